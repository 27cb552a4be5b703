//! Follows whether the end of a text stands inside quotes, in JSON or HCL. It reads what a template
//! has written so far and judges nothing.

use super::escape::Target;

/// Where the end of a text stands.
#[derive(Clone, Debug)]
pub(super) struct Quoting {
    hcl: bool,
    /// Open `"` and, in HCL, open `{` of what is interpolated.
    open: Vec<char>,
    escaped: bool,
    comment: bool,
    previous: [char; 2],
}

impl Quoting {
    pub(super) fn new(target: Target) -> Self {
        let previous = [' '; 2];
        Self { hcl: target == Target::Hcl, open: vec![], escaped: false, comment: false, previous }
    }

    /// Tells whether what comes next stands inside quotes.
    pub(super) fn is_inside(&self) -> bool {
        self.open.last() == Some(&'"')
    }

    /// Tells whether two texts go on in the same way.
    pub(super) fn goes_on_as(&self, other: &Self) -> bool {
        (&self.open, self.escaped, self.comment) == (&other.open, other.escaped, other.comment)
    }

    /// Reads on.
    pub(super) fn read(&mut self, text: &str) {
        for c in text.chars() {
            self.step(c);
            self.previous = [self.previous[1], c];
        }
    }

    fn step(&mut self, c: char) {
        if c == '\n' && self.hcl {
            // No quoted text of HCL goes over its line; here-documents hold quotes as they like.
            self.open.clear();
            (self.escaped, self.comment) = (false, false);
        } else if self.comment {
        } else if self.escaped {
            self.escaped = false;
        } else if self.is_inside() {
            self.step_inside(c);
        } else {
            self.step_outside(c);
        }
    }

    fn step_inside(&mut self, c: char) {
        let [earlier, last] = self.previous;
        match c {
            '\\' => self.escaped = true,
            '"' => {
                self.open.pop();
            }
            '{' if self.hcl && matches!(last, '$' | '%') && earlier != last => self.open.push('{'),
            _ => {}
        }
    }

    fn step_outside(&mut self, c: char) {
        match c {
            '"' => self.open.push('"'),
            '{' if !self.open.is_empty() => self.open.push('{'),
            '}' => {
                self.open.pop();
            }
            '#' if self.hcl && self.open.is_empty() => self.comment = true,
            '/' if self.hcl && self.open.is_empty() => self.comment = self.previous[1] == '/',
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: Target, text: &str, inside: bool) {
        let mut quoting = Quoting::new(target);
        quoting.read(text);
        assert_eq!(quoting.is_inside(), inside, "{text}");
    }

    #[test]
    fn quotes_are_followed() {
        check(Target::Json, r#"{"a": "#, false);
        check(Target::Json, r#"{"a": "b\" "#, true);
        check(Target::Json, r#"{"a": "b\\", "#, false);
        check(Target::Hcl, r#"a = "b ${lower("#, false);
        check(Target::Hcl, r#"a = "b ${lower("c")} "#, true);
        check(Target::Hcl, r#"a = "b $${ "#, true);
        check(Target::Hcl, "# it's \"so\na = ", false);
        check(Target::Hcl, "a = <<EOT\nan odd \"\nb = \"", true);
    }
}
