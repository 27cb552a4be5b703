//! What a browser says of itself, as people call it: `Firefox on Linux`. It is shown and never trusted.

/// What stands in the text, and the name: the first that is there counts, for each also calls itself what came before it.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome, headless,"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Names a browser and its system; nothing where it is none of those that are known.
pub(super) fn name_of(agent: &str) -> Option<String> {
    let known = |all: &[(&str, &'static str)]| {
        all.iter().find(|(held, _)| agent.contains(held)).map(|(_, name)| *name)
    };
    let browser = known(&BROWSERS).filter(|_| agent.starts_with("Mozilla/"))?;
    Some(match known(&SYSTEMS) {
        Some(system) => format!("{browser} on {system}"),
        None => browser.trim_end_matches(',').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart_and_nothing_else_is_named() {
        let gecko = "(KHTML, like Gecko)";
        for (agent, expected) in [
            (
                format!(
                    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 {gecko} HeadlessChrome/148.0.0.0 Safari/537.36"
                ),
                Some("Chrome, headless, on Linux"),
            ),
            (
                format!(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {gecko} Chrome/148.0 Safari/537.36 Edg/148.0"
                ),
                Some("Edge on Windows"),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0".to_owned(),
                Some("Firefox on Linux"),
            ),
            (
                format!(
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 {gecko} Version/19.0 Mobile Safari/604.1"
                ),
                Some("Safari on an iPhone"),
            ),
            (
                format!(
                    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 {gecko} Chrome/148.0 Mobile Safari/537.36"
                ),
                Some("Chrome on Android"),
            ),
            ("Mozilla/5.0 Firefox/150.0".to_owned(), Some("Firefox")),
            ("curl/8.14.1 Chrome/1".to_owned(), None),
            (String::new(), None),
            ("Mozilla/5.0 <script>".to_owned(), None),
        ] {
            assert_eq!(name_of(&agent).as_deref(), expected, "{agent}");
        }
    }
}
