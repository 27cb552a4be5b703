//! Several places that are asked one after the other. What is not in one may be in the next; any other fault stops,
//! so that an older value elsewhere is never taken for the one that can't be had just now.

use std::sync::Arc;

use async_trait::async_trait;

use super::settings::Grant;
use super::source::{Owner, SecretKeeper};
use crate::run::Fault;
use crate::secret::Secret;

/// One place, and for whom.
pub(super) struct Link {
    pub(super) name: String,
    pub(super) keeper: Arc<dyn SecretKeeper>,
    /// The teams that it serves; all, and the operator, where empty.
    pub(super) teams: Vec<String>,
    pub(super) grants: Vec<Grant>,
}

/// Places in the order in which they are asked.
pub(super) struct Chain(pub(super) Vec<Link>);

impl Link {
    fn serves(&self, owner: Owner<'_>) -> bool {
        match owner {
            Owner::Operator => self.teams.is_empty(),
            Owner::Team(team) => self.teams.is_empty() || self.teams.iter().any(|t| t == team),
        }
    }

    /// Returns whose secret is asked for: the owner's own, then those that the operator granted to it.
    fn owners<'a>(&'a self, owner: Owner<'a>, name: &'a str) -> impl Iterator<Item = Owner<'a>> {
        let granted = self.grants.iter().filter_map(move |grant| match owner {
            Owner::Team(team) if grant.gives(team, name) => Some(Owner::Team(grant.of.as_str())),
            _ => None,
        });
        std::iter::once(owner).chain(granted)
    }

    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        for owner in self.owners(owner, name) {
            let found = self.keeper.get(owner, name).await;
            let found = found.map_err(|fault| {
                let message = format!("secrets of `{}`: {}", self.name, fault.message);
                Fault { message, ..fault }
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl SecretKeeper for Chain {
    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        for link in self.0.iter().filter(|link| link.serves(owner)) {
            if let Some(secret) = link.get(owner, name).await? {
                return Ok(Some(secret));
            }
        }
        Ok(None)
    }

    fn place(&self, owner: Owner<'_>, name: &str) -> String {
        let serving = self.0.iter().filter(|link| link.serves(owner));
        let places: Vec<String> = serving
            .map(|link| format!("{} (`{}`)", link.keeper.place(owner, name), link.name))
            .collect();
        if places.is_empty() {
            "nothing, for no source serves it".to_owned()
        } else {
            places.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::action::SecretSource as _;

    /// Holds `owner/NAME`; is broken where it holds `broken`.
    struct Shelf(BTreeMap<&'static str, &'static str>);

    #[async_trait]
    impl SecretKeeper for Shelf {
        async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
            if self.0.contains_key("broken") {
                return Err(Fault::transient("not just now"));
            }
            Ok(self.0.get(self.place(owner, name).as_str()).map(|value| Secret::new(*value)))
        }

        fn place(&self, owner: Owner<'_>, name: &str) -> String {
            match owner {
                Owner::Operator => format!("/{name}"),
                Owner::Team(team) => format!("{team}/{name}"),
            }
        }
    }

    fn link(name: &str, values: &[(&'static str, &'static str)], teams: &[&str]) -> Link {
        let keeper = Arc::new(Shelf(values.iter().copied().collect()));
        let teams = teams.iter().map(|team| (*team).to_owned()).collect();
        Link { name: name.to_owned(), keeper, teams, grants: Vec::new() }
    }

    async fn check(chain: &Chain, owner: Owner<'_>, name: &str, expected: Result<&str, &str>) {
        let found = chain.find(owner, name).await;
        let found = found.as_ref().map(Secret::reveal).map_err(|fault| fault.message.as_str());
        assert_eq!(found, expected, "{owner} {name}");
    }

    #[tokio::test]
    async fn what_is_not_in_one_place_is_looked_for_in_the_next() {
        let chain = Chain(vec![
            link("one", &[("a/X", "1")], &[]),
            link("only-b", &[("a/Y", "no"), ("b/Y", "2"), ("/OWN", "no")], &["b"]),
            link("two", &[("a/X", "3"), ("b/Y", "4"), ("/OWN", "5")], &[]),
        ]);
        check(&chain, Owner::Team("a"), "X", Ok("1")).await;
        check(&chain, Owner::Team("b"), "Y", Ok("2")).await;
        check(&chain, Owner::Operator, "OWN", Ok("5")).await;
        let nowhere = "secret `Y` of team `a` is not there: looked for a/Y (`one`), a/Y (`two`)";
        check(&chain, Owner::Team("a"), "Y", Err(nowhere)).await;
        for name in ["../X", "a/X", "", "X Y", "X\n"] {
            assert!(chain.find(Owner::Team("a"), name).await.is_err());
        }
        assert!(chain.find(Owner::Team(".."), "X").await.is_err());
    }

    #[tokio::test]
    async fn a_fault_stops_and_nothing_further_is_asked() {
        let chain = Chain(vec![
            link("vault", &[("broken", "")], &[]),
            link("old", &[("a/X", "stale")], &[]),
        ]);
        let fault = chain.find(Owner::Team("a"), "X").await.unwrap_err();
        assert_eq!(fault, Fault::transient("secrets of `vault`: not just now"));
    }

    #[tokio::test]
    async fn a_team_has_what_is_granted_to_it_and_no_more() {
        let mut shared = link(
            "shared",
            &[("platform/TLS", "cert"), ("platform/OTHER", "x"), ("b/TLS", "own")],
            &[],
        );
        let teams = vec!["a".to_owned(), "b".to_owned()];
        shared.grants.push(Grant { name: "TLS".to_owned(), of: "platform".to_owned(), teams });
        let chain = Chain(vec![shared]);
        check(&chain, Owner::Team("a"), "TLS", Ok("cert")).await;
        check(&chain, Owner::Team("b"), "TLS", Ok("own")).await;
        for (team, name) in [("c", "TLS"), ("a", "OTHER")] {
            assert!(chain.find(Owner::Team(team), name).await.is_err(), "{team}/{name}");
        }
        assert!(chain.find(Owner::Operator, "TLS").await.is_err());
    }
}
