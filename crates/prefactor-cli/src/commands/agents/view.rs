//! How agents look.

use prefactor_http::Agent;
use serde_json::Value;

use crate::output::{Cell, Shown};

impl Shown for Agent {
    const PLURAL: &'static str = "agents";
    const COLUMNS: &'static [&'static str] = &["ID", "STATUS", "EXTERNAL IDENTIFIER", "NAME"];

    fn id(&self) -> &str {
        &self.id
    }

    fn row(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::status(self.status.as_str()),
            Cell::optional(self.external_identifier.as_deref()),
            Cell::new(&self.name),
        ]
    }

    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("id", Cell::new(&self.id)),
            ("name", Cell::new(&self.name)),
            ("status", Cell::status(self.status.as_str())),
            ("description", Cell::optional(self.description.as_deref())),
            ("external identifier", Cell::optional(self.external_identifier.as_deref())),
            ("created", Cell::time(self.inserted_at)),
        ];
        if let Some(counts) = &self.instance_counts {
            let counts: Vec<String> = counts.iter().filter(|(_, count)| is_some(count)).map(count).collect();
            fields.push((
                "runs",
                if counts.is_empty() { Cell::new("0") } else { Cell::new(counts.join(", ")) },
            ));
        }
        if let Some(actions) = self.available_actions {
            let actions = [
                (actions.update, "update"),
                (actions.retire, "retire"),
                (actions.reinstate, "reinstate"),
                (actions.delete, "delete"),
            ];
            let actions: Vec<&str> =
                actions.iter().filter(|(available, _)| *available).map(|(_, name)| *name).collect();
            fields.push(("can", Cell::new(actions.join(", "))));
        }
        fields
    }
}

fn is_some(count: &Value) -> bool {
    count.as_u64() != Some(0)
}

fn count((status, count): (&String, &Value)) -> String {
    format!("{count} {status}")
}
