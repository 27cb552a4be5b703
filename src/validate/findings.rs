//! Collects what rules find in one document. The document is parsed for places only once something is found.

use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

use super::readings::{Acting, Readings};
use super::registry::Rule;
use super::templates::Placed;
use crate::catalog::{Document, Problem, place_in};
use crate::finding::{Finding, Fix, Place, nearest};
use crate::template::{self, Reading};
use crate::yaml::{self, Node, edit};

/// What rules found in one document so far.
pub struct Findings<'a> {
    document: &'a Document,
    rule: &'static Rule,
    tree: OnceCell<Option<Node>>,
    found: Vec<Finding>,
    readings: Readings<'a>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(document: &'a Document, rule: &'static Rule) -> Self {
        let readings = Readings::default();
        Self { document, rule, tree: OnceCell::new(), found: Vec::new(), readings }
    }

    /// Goes on with another rule.
    pub(super) fn turn_to(&mut self, rule: &'static Rule) {
        self.rule = rule;
    }

    pub(super) fn into_found(self) -> Vec<Finding> {
        self.found
    }

    /// Returns the document that is checked.
    pub fn document(&self) -> &'a Document {
        self.document
    }

    /// Returns the actions of the document, with their configs as values.
    pub(super) fn actions(&self) -> Rc<[Acting<'a>]> {
        self.readings.actions(self.document)
    }

    /// Returns the texts of the document where a template may stand, and that have braces.
    pub(super) fn texts(&self) -> Rc<[Placed<'a>]> {
        self.readings.texts(self.document)
    }

    /// Reads a template, which may stand in the document or not.
    pub(super) fn read(&self, text: &str) -> Rc<Reading> {
        self.readings.read(text)
    }

    fn tree(&self) -> Option<&Node> {
        self.tree.get_or_init(|| self.document.tree()).as_ref()
    }

    /// Returns the place of a value.
    pub fn place(&self, pointer: &str) -> Place {
        self.locate(pointer, false)
    }

    fn locate(&self, pointer: &str, of_key: bool) -> Place {
        match self.tree() {
            Some(tree) => place_in(&self.document.path, tree, pointer, of_key),
            None => Place::start_of(self.document.path.clone()),
        }
    }

    /// Returns the place of a byte in a text of the document.
    pub fn place_in_text(&self, pointer: &str, offset: usize) -> Place {
        let Some(node) = self.tree().and_then(|tree| tree.pointer(pointer)) else {
            return self.place(pointer);
        };
        let (line, column) = yaml::position_in(node, &self.document.bytes.get(), offset);
        Place { path: self.document.path.clone(), line, column, length: 0 }
    }

    /// Makes a finding of the current rule about the value at a JSON pointer.
    pub fn at(&self, pointer: &str, message: impl Into<String>) -> Finding {
        self.by_rule(self.place(pointer), message)
    }

    /// Makes a finding of the current rule about the key at a JSON pointer.
    pub fn at_key(&self, pointer: &str, message: impl Into<String>) -> Finding {
        self.by_rule(self.locate(pointer, true), message)
    }

    /// Makes a finding of the current rule about a byte in a text.
    pub fn in_text(&self, pointer: &str, offset: usize, message: impl Into<String>) -> Finding {
        self.by_rule(self.place_in_text(pointer, offset), message)
    }

    /// Makes a finding of the current rule about a range of bytes in the source, byte order mark not counted.
    pub fn in_source(
        &self,
        source: &str,
        range: &Range<usize>,
        message: impl Into<String>,
    ) -> Finding {
        let before = source.get(..range.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |text: Option<&str>| {
            u32::try_from(text.unwrap_or_default().chars().count()).unwrap_or(u32::MAX)
        };
        let breaks = before.bytes().filter(|byte| *byte == b'\n').count();
        let place = Place {
            path: self.document.path.clone(),
            line: u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1),
            column: count(before.get(line_start..)).saturating_add(1),
            length: count(source.get(range.clone())),
        };
        self.by_rule(place, message)
    }

    fn by_rule(&self, place: Place, message: impl Into<String>) -> Finding {
        let severity = self.rule.severity;
        Finding { severity, ..Finding::error(self.rule.id, place, message) }
    }

    /// Makes a finding of a problem below a JSON pointer, under the problem's own rule.
    pub fn of_problem(&self, below: &str, problem: Problem) -> Finding {
        let problem = Problem { pointer: format!("{below}{}", problem.pointer), ..problem };
        let place = match problem.offset {
            Some(offset) => self.place_in_text(&problem.pointer, offset),
            None => self.locate(&problem.pointer, problem.at_key),
        };
        match self.tree() {
            Some(tree) => problem.within(&self.document.bytes.get(), tree, place),
            None => problem.at(place),
        }
    }

    /// Adds "did you mean" to a finding about a word, and the edit that goes with it, where one that is known is near.
    pub fn near<'n>(
        &self,
        finding: Finding,
        word: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Finding {
        match nearest(word, known) {
            Some(near) => self.respell(finding, word, near).hint(format!("did you mean `{near}`?")),
            None => finding,
        }
    }

    /// Adds the edit that writes another word where a finding stands.
    pub fn respell(&self, finding: Finding, word: &str, instead: &str) -> Finding {
        let fix = edit::respell(&self.document.bytes.get(), &finding.place, word, instead);
        Finding { fix: fix.or(finding.fix), ..finding }
    }

    /// Adds the edit that writes a part of a text in another way.
    pub fn rewrite(&self, finding: Finding, pointer: &str, rewrite: &template::Rewrite) -> Finding {
        let node = self.tree().and_then(|tree| tree.pointer(pointer));
        let range = rewrite.start..rewrite.end;
        let source = &self.document.bytes.get();
        let edit = node.and_then(|node| edit::in_text(source, node, range, &rewrite.text));
        let Some(edit) = edit else { return finding };
        let what = format!("write `{}`", rewrite.text);
        finding.fix(Fix { what, safe: rewrite.safe, edits: vec![edit] })
    }

    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        self.found.push(finding);
    }
}
