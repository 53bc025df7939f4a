//! Does again what the log tells.

use prefactor_pfid::{Partition, Pfid};

use super::effect::{Effect, Entry};
use super::error::DatabaseError;
use crate::action::{ActionName, Scope};
use crate::call;
use crate::handlers::bulk;
use crate::params;
use crate::store::{Call, Ids, Store};

/// Has one effect again. The first entry makes the store.
pub(super) fn replay(store: &mut Option<Store>, entry: Entry, body: &[u8]) -> Result<(), DatabaseError> {
    let ids = entry.ids.iter().map(|id| id.parse()).collect::<Result<Vec<Pfid>, _>>();
    let ids = ids.map_err(|_| differs("an id can't be read"))?;
    let store = match (store, &entry.effect) {
        (slot @ None, Effect::Began { partition }) => {
            let partition = Partition::new(*partition).map_err(|_| differs("there is no such partition"))?;
            let mut again = Ids::new(partition).noted();
            again.repeat(ids);
            slot.insert(Store::new(again, entry.at))
        }
        (Some(store), effect) => {
            store.ids().repeat(ids);
            again(store, effect, &entry, body)?;
            store
        }
        (None, _) => return Err(differs("its beginning is missing")),
    };
    let is_same = store.sequence() == entry.sequence && store.ids().is_up_to_date();
    store.ids().take_made();
    if is_same { Ok(()) } else { Err(differs("an effect is not what it was")) }
}

fn again(store: &mut Store, effect: &Effect, entry: &Entry, body: &[u8]) -> Result<(), DatabaseError> {
    match effect {
        Effect::Began { .. } => return Err(differs("it begins twice")),
        Effect::AgentAdded { agent } => {
            store.add_given_agent(agent, entry.at);
        }
        Effect::Ruled(policy) => store.set_policy(policy.clone()),
        Effect::Called { scope, action: None, .. } => {
            let items = params::bulk::items(body).map_err(|error| differs(&error.message))?;
            bulk::process(store, *scope, items, entry.at);
        }
        Effect::Called { scope, action: Some(action), target } => {
            let name = ActionName::find(action).ok_or_else(|| differs("there is no such action"))?;
            called(store, *scope, (name, target.as_deref()), entry, body)?;
        }
        Effect::Terminated { instance, reason } => {
            let index = instance.parse().ok().and_then(|id| store.instance_at(id));
            let index = index.ok_or_else(|| differs("there is no such run"))?;
            store.terminate_instance(index, reason, entry.at).map_err(|error| differs(&error.message))?;
        }
    }
    Ok(())
}

fn called(
    store: &mut Store,
    scope: Scope,
    (name, target): (ActionName, Option<&str>),
    entry: &Entry,
    body: &[u8],
) -> Result<(), DatabaseError> {
    let (action, key) = call::read(name, target, body).map_err(|error| differs(&error.message))?;
    store
        .apply(Call { action, key, scope, now: entry.at }, &mut Vec::new())
        .map_err(|error| differs(&error.message))
}

fn differs(what: &str) -> DatabaseError {
    DatabaseError::damaged(format!("what it tells can't be done again ({what})"))
}
