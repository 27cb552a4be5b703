//! Errors with all that caused them.

use std::error::Error;

/// Tells an error and, each behind a colon, what caused it.
#[must_use]
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told = format!("{told}: {cause}");
        next = cause.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the file can't be read")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn an_error_is_told_with_its_causes() {
        assert_eq!(chain(&std::fmt::Error), std::fmt::Error.to_string());
        let told = chain(&Outer(std::fmt::Error));
        assert_eq!(told, format!("the file can't be read: {}", std::fmt::Error));
    }
}
