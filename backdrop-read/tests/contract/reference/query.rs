//! A query as the list of its parameters, which those ask who need them.

use super::value::Direction;

/// The parameters of a query, names and values, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(pub(crate) Vec<(String, String)>);

impl Query {
    /// The values of a parameter that can be repeated.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The same, each split at its first colon.
    pub(crate) fn pairs<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        self.all(name).map(|text| text.split_once(':').expect("it has a colon"))
    }

    /// The value of a parameter, if it is there.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.one(name).is_some()
    }

    /// Whether a parameter is there and says `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.one(name) == Some("true")
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.one(name).map(|text| text.parse().expect("a number"))
    }

    /// `sort_by`: a field or column (`fee:sum`), and the direction.
    pub(crate) fn sort_by(&self) -> Option<(&str, Direction)> {
        let (column, direction) = self.one("sort_by")?.rsplit_once(':').expect("it has a colon");
        let is_descending = direction == "descending";
        Some((column, if is_descending { Direction::Descending } else { Direction::Ascending }))
    }

    /// `collect`: pairs of field and method; none is a plain field.
    pub(crate) fn collect(&self) -> Vec<(&str, Option<&str>)> {
        let split = |text| match str::split_once(text, ':') {
            Some((field, method)) => (field, Some(method)),
            None => (text, None),
        };
        self.all("collect").map(split).collect()
    }

    /// The same query without some of its parameters.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }
}
