//! Lines of a plan before they are text: indent, sign, and pieces with a tone. What they hold is made harmless when written.

use super::values::visible;

/// What a piece of a line says by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    Plain,
    /// It comes.
    Added,
    /// The words of it that differ.
    AddedWord,
    /// It goes.
    Removed,
    /// The words of it that differ.
    RemovedWord,
    /// It changes.
    Changed,
    /// It matters less.
    Faint,
    /// A title.
    Strong,
    /// Somebody must act.
    Alert,
}

impl Tone {
    fn ansi(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Added => "\u{1b}[32m",
            Tone::AddedWord => "\u{1b}[32;7m",
            Tone::Removed => "\u{1b}[31m",
            Tone::RemovedWord => "\u{1b}[31;7m",
            Tone::Changed => "\u{1b}[33m",
            Tone::Faint => "\u{1b}[2m",
            Tone::Strong => "\u{1b}[1m",
            Tone::Alert => "\u{1b}[1;33m",
        }
    }
}

const RESET: &str = "\u{1b}[0m";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    indent: usize,
    sign: &'static str,
    pieces: Vec<(Tone, String)>,
}

impl Line {
    /// Starts a line that has a sign before it, in the tone of the sign.
    pub(super) fn signed(indent: usize, sign: &'static str) -> Self {
        Self { indent, sign, pieces: Vec::new() }
    }

    /// Makes a line of one piece.
    pub(super) fn plain(indent: usize, tone: Tone, text: impl Into<String>) -> Self {
        Self { indent, sign: "", pieces: vec![(tone, text.into())] }
    }

    /// Adds a piece.
    #[must_use]
    pub(super) fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.pieces.push((tone, text.into()));
        self
    }

    /// Writes it for a terminal.
    pub(super) fn write(&self, text: &mut String, color: bool) {
        text.extend(std::iter::repeat_n(' ', self.indent));
        if !self.sign.is_empty() {
            piece(text, (sign_tone(self.sign), self.sign), color);
            text.push(' ');
        }
        for (tone, words) in &self.pieces {
            piece(text, (*tone, &visible(words)), color);
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }

    /// Writes it with its sign in the first column, as readers of a `diff` expect it.
    pub(super) fn write_diff(&self, text: &mut String) {
        text.push_str(if self.sign.is_empty() { " " } else { self.sign });
        text.extend(std::iter::repeat_n(' ', self.indent + 1));
        for (_, words) in &self.pieces {
            text.push_str(&visible(words));
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
}

fn piece(text: &mut String, (tone, words): (Tone, &str), color: bool) {
    let ansi = tone.ansi();
    if !color || ansi.is_empty() || words.is_empty() {
        return text.push_str(words);
    }
    text.push_str(ansi);
    text.push_str(words);
    text.push_str(RESET);
}

/// Returns the tone of a sign.
pub(super) fn sign_tone(sign: &str) -> Tone {
    match sign {
        "+" | "=" => Tone::Added,
        "-" => Tone::Removed,
        "-/+" => Tone::Alert,
        "" => Tone::Plain,
        _ => Tone::Changed,
    }
}
