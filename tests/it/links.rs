//! The links of the pages lead somewhere: to a file that is there, and to a heading that it has.

use std::path::Path;

use crate::readme::pages;

/// Returns the headings of a page as links name them.
fn headings(page: &str) -> Vec<String> {
    let heading = |line: &str| {
        let text =
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))?;
        let plain =
            text.chars().filter(|one| one.is_alphanumeric() || matches!(one, '-' | '_' | ' '));
        Some(plain.collect::<String>().trim().to_lowercase().replace(' ', "-"))
    };
    page.lines().filter_map(heading).collect()
}

/// Returns the links of a page that lead to other files of the repository, or within the page.
fn links(page: &str) -> Vec<&str> {
    let all = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    all.filter(|link| !link.contains("://") && !link.contains(char::is_whitespace)).collect()
}

fn broken(path: &Path, link: &str) -> Option<String> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { path.to_owned() } else { path.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: there is no {file}", path.display()));
    }
    let is_page = target.extension().is_some_and(|ending| ending == "md");
    let known = !is_page
        || headings(&std::fs::read_to_string(&target).unwrap()).contains(&heading.to_owned());
    (!heading.is_empty() && !known).then(|| format!("{}: {file} has no #{heading}", path.display()))
}

#[test]
fn links_of_the_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut wrong) = (0, Vec::new());
    for place in
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "catalog-example/README.md", "docs"]
    {
        for path in pages(&root.join(place)) {
            let page = std::fs::read_to_string(&path).unwrap();
            let links = links(&page);
            found += links.len();
            wrong.extend(links.into_iter().filter_map(|link| broken(&path, link)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(found > 200, "{found}");
}

#[test]
fn links_and_headings_are_read_as_browsers_do() {
    let page = "# What is kept, and for how long\n[a](b.md#c) [x](https://y) ![p](p.png)\n## `webhook`\n#no\n";
    assert_eq!(headings(page), ["what-is-kept-and-for-how-long", "webhook"]);
    assert_eq!(links(page), ["b.md#c", "p.png"]);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    assert!(broken(&here, "none.md").is_some() && broken(&here, "#no-such").is_some());
    assert!(broken(&here, "#see-it").is_none() && broken(&here, "docs/rules.md").is_none());
}
