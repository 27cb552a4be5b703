//! Why what a step waits for can't be looked at: kept with the wait, so that people see it. It changes nothing about the
//! wait: what is waited for may well have come.

use std::borrow::Cow;

use serde_json::Value;

use super::step::Wait;

/// Where it stands in what a wait is asked by.
const KEY: &str = "lookFailed";

impl Wait {
    /// The same wait, with why it can't be looked at.
    #[must_use]
    pub fn troubled(mut self, why: &str) -> Self {
        if let Value::Object(reference) = &mut self.reference {
            reference.insert(KEY.to_owned(), why.into());
        }
        self
    }

    /// The same wait, as its action knows it.
    #[must_use]
    pub fn untroubled(mut self) -> Self {
        if let Value::Object(reference) = &mut self.reference {
            reference.remove(KEY);
        }
        self
    }

    /// Says why it can't be looked at; nothing where it can.
    pub fn trouble(&self) -> Option<&str> {
        self.reference.get(KEY)?.as_str()
    }

    /// Says for people what is waited for, and why nobody can tell whether it has come.
    pub fn told(&self) -> Cow<'_, str> {
        match self.trouble() {
            Some(why) => format!("{}, which can't be looked at: {why}", self.what).into(),
            None => self.what.as_str().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wait_that_cannot_be_looked_at_says_so_and_is_still_the_same() {
        let reference = json!({"repository": "acme/app", "number": 3});
        let on = Wait { on: "proposal".into(), reference, what: "pull request 3".into() };
        let troubled = on.clone().troubled("GitHub does not accept our credential");
        assert_eq!(troubled.thing(), on.thing());
        assert_eq!(
            troubled.told(),
            "pull request 3, which can't be looked at: GitHub does not accept our credential"
        );
        assert_eq!(troubled.clone().troubled("another").trouble(), Some("another"));
        assert_eq!((troubled.untroubled(), on.told()), (on.clone(), "pull request 3".into()));
        let bare = Wait { reference: json!(null), ..on };
        assert_eq!(bare.clone().troubled("why"), bare);
    }
}
