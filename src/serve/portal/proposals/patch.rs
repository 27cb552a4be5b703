//! A unified patch, file by file. It is shown as it is written; nothing in it becomes markup.

use maud::{Markup, html};

use crate::serve::portal::marks::told;

/// The most lines that are shown of all of it.
const MOST: usize = 5_000;

/// One file of a patch.
struct File<'p> {
    name: &'p str,
    lines: Vec<&'p str>,
}

/// Shows a patch.
pub(super) fn shown(patch: &str) -> Markup {
    let files = files(patch);
    let many = files.len() > 10;
    html! {
        @if files.is_empty() { p.quiet { "Nothing is different from its base." } }
        @for file in &files {
            details.fold open[!many] {
                summary { code { (told(file.name)) } " " span.quiet { (counted(file)) } }
                div.diff tabindex="0" role="region" aria-label=(told(file.name)) { @for line in &file.lines { (row(line)) } }
            }
        }
        @if patch.lines().count() > MOST { p.quiet { "The rest of it is too long to be shown here; the command line shows it." } }
    }
}

fn files(patch: &str) -> Vec<File<'_>> {
    let mut files: Vec<File<'_>> = Vec::new();
    let mut in_head = false;
    for line in patch.lines().take(MOST) {
        if let Some(names) = line.strip_prefix("diff --git ") {
            let name = names.rsplit(" b/").next().unwrap_or(names);
            files.push(File { name, lines: Vec::new() });
            in_head = true;
        } else if let Some(file) = files.last_mut() {
            in_head &= !line.starts_with("@@");
            let is_news = ["new file", "deleted file", "rename ", "Binary "];
            if !in_head || is_news.iter().any(|one| line.starts_with(one)) {
                file.lines.push(line);
            }
        }
    }
    files
}

fn counted(file: &File<'_>) -> String {
    let of = |sign: char| file.lines.iter().filter(|line| line.starts_with(sign)).count();
    format!("+{} −{}", of('+'), of('-'))
}

fn row(line: &str) -> Markup {
    let (class, said) = match line.chars().next() {
        Some('+') => ("add", "added: "),
        Some('-') => ("remove", "removed: "),
        Some('@') => ("place", ""),
        _ => ("", ""),
    };
    html! { div class=(class) { span.unseen { (said) } (told(line)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_shown_by_file_and_nothing_in_it_is_markup() {
        let patch = "diff --git a/a b.yaml b/a b.yaml\nindex 1..2 100644\n--- a/a b.yaml\n+++ b/a b.yaml\n@@ -1 +1 @@\n\
                     -size: small\n+size: <script>alert(1)</script>\ndiff --git a/x b/x\nnew file mode 100644\n@@ -0,0 +1 @@\n+1\n";
        let html = shown(patch).into_string();
        assert!(html.contains("<code>a b.yaml</code>") && html.contains("+1 −1"), "{html}");
        assert!(html.contains("new file mode") && !html.contains("index 1..2"), "{html}");
        assert!(!html.contains("<script"), "{html}");
        assert!(shown("garbage\n+x").into_string().contains("Nothing is different"));
    }
}
