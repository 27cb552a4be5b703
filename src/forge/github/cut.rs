//! Cuts Markdown to what GitHub takes, so that what is left still is Markdown. It makes nothing longer but by a line.

/// The most characters of a comment or a summary: GitHub takes 65 535.
pub(super) const MOST_CHARACTERS: usize = 60_000;

const LEFT_AWAY: &str = "_The rest is too long to be shown here._";

/// Cuts a text at the end of a line, and closes the block of code and the folds that the cut left open.
pub(super) fn cut(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(MOST_CHARACTERS) else { return text.to_owned() };
    let head = text.get(..end).unwrap_or_default();
    let head = head.rfind('\n').and_then(|at| head.get(..at)).unwrap_or(head);
    let mut fence: Option<String> = None;
    let mut folds = 0_usize;
    for line in head.lines() {
        let line = line.trim_start();
        let mark: String =
            line.chars().take_while(|c| *c == line.chars().next().unwrap_or_default()).collect();
        let is_fence = mark.len() >= 3 && (mark.starts_with('`') || mark.starts_with('~'));
        match &fence {
            Some(open) if is_fence && mark.starts_with(open.as_str()) && line.trim() == mark => {
                fence = None;
            }
            Some(_) => {}
            None if is_fence => fence = Some(mark),
            None => {
                folds += line.matches("<details").count();
                folds = folds.saturating_sub(line.matches("</details>").count());
            }
        }
    }
    let mut cut = head.to_owned();
    if let Some(fence) = fence {
        cut = format!("{cut}\n{fence}");
    }
    cut.push_str(&"\n\n</details>".repeat(folds.min(100)));
    format!("{cut}\n\n{LEFT_AWAY}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays_as_it_is() {
        let text = "é".repeat(MOST_CHARACTERS);
        assert_eq!(cut(&text), text);
    }

    #[test]
    fn what_the_cut_left_open_is_closed() {
        let check = |start: &str, line: &str| {
            let text = format!("{start}{}", line.repeat(70_000 / line.len()));
            let cut = cut(&text);
            assert!(cut.chars().count() < 62_000);
            let kept = cut.rfind(line.trim()).unwrap() + line.trim().len();
            cut[kept..].to_owned()
        };
        let end = format!("\n\n{LEFT_AWAY}\n");
        assert_eq!(check("# Title\n", "a line\n"), end);
        assert_eq!(check("````diff\n```\n", "+ a line\n"), format!("\n````{end}"));
        assert_eq!(check("```\nx\n```\n", "a line\n"), end);
        assert_eq!(
            check("<details><summary>a</summary>\n\n<details>\n\n~~~\n", "b <details>\n"),
            format!("\n~~~\n\n</details>\n\n</details>{end}")
        );
    }

    #[test]
    fn one_endless_line_is_cut_too() {
        assert!(cut(&"é".repeat(70_000)).chars().count() < 61_000);
    }
}
