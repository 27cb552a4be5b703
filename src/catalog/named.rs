//! Values by their names, for the documents that there are most of. It is read, and never added to.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Values by their names, in the order of the names.
///
/// It takes as much room as it holds: a tree's node takes half a kilobyte for two labels, and a catalog has them a hundred
/// thousand times.
#[derive(Clone, PartialEq, Eq)]
pub struct Named<V>(Box<[(Box<str>, V)]>);

impl<V> Named<V> {
    /// Returns names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Returns the values, by name.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Returns the value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Tells whether there is a value of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Named<Value> {
    /// Copies them into a map.
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

impl<V> Default for Named<V> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<V: fmt::Debug> fmt::Debug for Named<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<V> FromIterator<(Box<str>, V)> for Named<V> {
    /// Of values with one name the last counts, as in any map.
    fn from_iter<I: IntoIterator<Item = (Box<str>, V)>>(pairs: I) -> Self {
        let mut all: Vec<(Box<str>, V)> = pairs.into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.reverse();
        all.dedup_by(|a, b| a.0 == b.0);
        all.reverse();
        Self(all.into_boxed_slice())
    }
}

impl<V: Serialize> Serialize for Named<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Named<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

struct Pairs<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
    type Value = Named<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_map_of_the_same_pairs(pairs in vec(("[a-d]{0,2}", any::<i32>()), 0..9)) {
            let map: BTreeMap<String, i32> = pairs.iter().cloned().collect();
            let named: Named<i32> = pairs.iter().map(|(name, value)| (name.as_str().into(), *value)).collect();
            prop_assert!(named.iter().eq(map.iter().map(|(name, value)| (name.as_str(), value))));
            prop_assert!(named.values().eq(map.values()));
            prop_assert_eq!(named.is_empty(), map.is_empty());
            for name in ["", "a", "b", "cc", "z"] {
                prop_assert_eq!(named.get(name), map.get(name));
                prop_assert_eq!(named.contains_key(name), map.contains_key(name));
            }
            let text = serde_json::to_string(&named).expect("writes");
            prop_assert_eq!(&text, &serde_json::to_string(&map).expect("writes"));
            prop_assert_eq!(serde_json::from_str::<Named<i32>>(&text).expect("reads"), named);
        }
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let refused = serde_json::from_str::<Named<i32>>("[1]").expect_err("a list");
        assert!(refused.to_string().starts_with("invalid type: sequence, expected a map"));
    }
}
