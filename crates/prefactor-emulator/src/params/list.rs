//! Parameters of the lists: paging, sorting and filters, from a query string or from a bulk item.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::read::{Field, Kind, Moment, Params, Record, Text, fields};

#[derive(Debug, Deserialize)]
pub(crate) struct List<'a> {
    #[serde(borrow)]
    pub(crate) agent_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) agent_instance_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) owner_person_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) risk_profile_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) team_id: Option<Text<'a>>,
    pub(crate) start_time: Option<Moment>,
    pub(crate) end_time: Option<Moment>,
    pagination: Option<Record<Pagination>>,
    #[serde(borrow)]
    sorting: Option<Sorting<'a>>,
}

#[derive(Debug, Deserialize)]
struct Pagination {
    offset: Option<Count>,
    page_size: Option<Count>,
}

/// `-name` or `{"field":"name","direction":"desc"}`: the Python client documents the first; answers show the second.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sorting<'a> {
    Short(#[serde(borrow)] Text<'a>),
    Long(#[serde(borrow)] Record<SortingParams<'a>>),
}

impl Sorting<'_> {
    fn direction(&self) -> Option<Direction> {
        match self {
            Self::Short(text) => text.starts_with('-').then_some(Direction::Desc),
            Self::Long(params) => params.0.direction,
        }
    }

    /// The field's name, and the name of the parameter it stands in.
    fn field(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Short(text) => Some((text.strip_prefix('-').unwrap_or(text), "sorting")),
            Self::Long(params) => params.0.field.as_deref().map(|field| (field, "sorting.field")),
        }
    }
}

#[derive(Debug, Deserialize)]
struct SortingParams<'a> {
    #[serde(borrow)]
    field: Option<Text<'a>>,
    direction: Option<Direction>,
}

/// A whole number, also as text: query strings know nothing else.
#[derive(Debug)]
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        fields::count(&value).map(Self).ok_or_else(|| serde::de::Error::custom("not a whole number"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    #[default]
    Asc,
    Desc,
}

/// The page that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Page {
    const DEFAULT_SIZE: u64 = 50;
    const MAX_SIZE: u64 = 100;
}

/// What lists can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SortField {
    Id,
    Name,
    #[default]
    Inserted,
    Updated,
    Started,
    Finished,
}

impl SortField {
    pub(crate) const OF_AGENTS: &'static [Self] = &[Self::Id, Self::Name, Self::Inserted, Self::Updated];
    pub(crate) const OF_RUNS: &'static [Self] =
        &[Self::Id, Self::Inserted, Self::Updated, Self::Started, Self::Finished];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Inserted => "inserted_at",
            Self::Updated => "updated_at",
            Self::Started => "started_at",
            Self::Finished => "finished_at",
        }
    }
}

impl List<'_> {
    pub(crate) fn page(&self) -> Result<Page, ApiError> {
        let asked = self.pagination.as_ref().map(|pagination| &pagination.0);
        let offset = asked.and_then(|asked| asked.offset.as_ref()).map_or(0, |count| count.0);
        let size =
            asked.and_then(|asked| asked.page_size.as_ref()).map_or(Page::DEFAULT_SIZE, |count| count.0);
        if !(1..=Page::MAX_SIZE).contains(&size) {
            return Err(ApiError::field(
                "pagination.page_size",
                format!("must be from 1 to {}", Page::MAX_SIZE),
            ));
        }
        Ok(Page { offset: usize::try_from(offset).unwrap_or(usize::MAX), size: size as usize })
    }

    pub(crate) fn sorting(&self, sortable: &[SortField]) -> Result<(SortField, Direction), ApiError> {
        let direction = self.sorting.as_ref().and_then(Sorting::direction).unwrap_or_default();
        let Some((name, parameter)) = self.sorting.as_ref().and_then(Sorting::field) else {
            return Ok((SortField::default(), direction));
        };
        sortable
            .iter()
            .find(|field| field.as_str() == name)
            .map(|field| (*field, direction))
            .ok_or_else(|| ApiError::field(parameter, "can't be sorted by"))
    }
}

impl<'a> Params<'a> for List<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_id", Kind::Text),
        Field::optional("agent_instance_id", Kind::Text),
        Field::optional("owner_person_id", Kind::Text),
        Field::optional("risk_profile_id", Kind::Text),
        Field::optional("team_id", Kind::Text),
        Field::optional("start_time", Kind::Moment),
        Field::optional("end_time", Kind::Moment),
        Field::optional(
            "pagination",
            Kind::Record(&[
                Field::optional("offset", Kind::Count),
                Field::optional("page_size", Kind::Count),
            ]),
        ),
        Field::optional(
            "sorting",
            Kind::TextOrRecord(&[
                Field::optional("field", Kind::Text),
                Field::optional("direction", Kind::OneOf(&["asc", "desc"])),
            ]),
        ),
    ];
}

/// A query string's pairs as the object a bulk item would hold: `pagination[offset]=3` becomes `{"pagination":{"offset":"3"}}`.
pub(crate) fn query_object(pairs: Vec<(String, String)>) -> Vec<u8> {
    let mut object = Map::new();
    for (key, text) in pairs {
        match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((outer, inner)) => {
                let nested = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(nested) = nested {
                    nested.insert(inner.to_owned(), Value::String(text));
                }
            }
            None => {
                object.insert(key, Value::String(text));
            }
        }
    }
    Value::Object(object).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<u8> {
        query_object(pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn a_query_string_and_a_bulk_item_ask_for_the_same_page() {
        let query = pairs(&[
            ("pagination[offset]", "20"),
            ("pagination[page_size]", "10"),
            ("sorting[direction]", "desc"),
        ]);
        let item = br#"{"pagination":{"offset":20,"page_size":10},"sorting":{"direction":"desc"}}"#;

        for json in [&query[..], &item[..]] {
            let list: List<'_> = read::object(json).unwrap();
            assert_eq!(list.page().unwrap(), Page { offset: 20, size: 10 });
            assert_eq!(list.sorting(SortField::OF_RUNS).unwrap(), (SortField::Inserted, Direction::Desc));
        }
    }

    #[test]
    fn sorting_is_said_in_short_or_in_full() {
        let sorting = |text: &[(&str, &str)]| {
            let query = pairs(text);
            let list: List<'_> = read::object(&query).unwrap();
            list.sorting(SortField::OF_AGENTS).map_err(|error| error.errors.into_keys().collect::<Vec<_>>())
        };

        assert_eq!(sorting(&[("sorting", "name")]), Ok((SortField::Name, Direction::Asc)));
        assert_eq!(sorting(&[("sorting", "-id")]), Ok((SortField::Id, Direction::Desc)));
        assert_eq!(sorting(&[("sorting[field]", "name")]), Ok((SortField::Name, Direction::Asc)));
        assert_eq!(sorting(&[("sorting", "started_at")]), Err(vec!["sorting".to_owned()]));
        assert_eq!(sorting(&[("sorting[field]", "mood")]), Err(vec!["sorting.field".to_owned()]));
        let upwards = pairs(&[("sorting[direction]", "up")]);
        let error = read::object::<List<'_>>(&upwards).unwrap_err();
        assert_eq!(error.errors.keys().collect::<Vec<_>>(), ["sorting.direction"]);
    }

    #[test]
    fn a_page_has_1_to_100_entries() {
        for (size, fits) in [("0", false), ("1", true), ("100", true), ("101", false)] {
            let query = pairs(&[("pagination[page_size]", size)]);
            let list: List<'_> = read::object(&query).unwrap();
            assert_eq!(list.page().is_ok(), fits, "{size}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_named() {
        let query = pairs(&[("pagination[offset]", "-1"), ("start_time", "noon")]);

        let error = read::object::<List<'_>>(&query).unwrap_err();

        assert_eq!(error.errors.keys().collect::<Vec<_>>(), ["pagination.offset", "start_time"]);
    }
}
