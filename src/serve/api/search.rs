//! A page of rows of which somebody can see only some: looks on until it is full, and never through everything.

use super::page::{Page, SEARCHED, cursor};
use crate::store::{Before, Numbered};

/// A page that is being filled.
pub(super) struct Search<T> {
    list: &'static str,
    wanted: usize,
    /// The last row that was looked at.
    at: Option<i64>,
    looked: usize,
    /// There are no more rows.
    is_over: bool,
    /// What is seen, with its number; one more than wanted where there is.
    found: Vec<(i64, T)>,
}

impl<T> Search<T> {
    /// Begins before a row.
    pub(super) fn new(list: &'static str, limit: u32, before: Option<i64>) -> Self {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { list, wanted, at: before, looked: 0, is_over: false, found: Vec::new() }
    }

    /// Says what is to be read next; nothing where the page is full, or enough was looked at.
    pub(super) fn next(&self) -> Option<Before> {
        let done = self.is_over || self.found.len() > self.wanted || self.looked >= SEARCHED;
        let limit = u32::try_from(self.wanted).unwrap_or(u32::MAX).saturating_add(1);
        (!done).then_some(Before { number: self.at, limit })
    }

    /// Takes in what was read, and gives it back row by row.
    pub(super) fn take<R>(&mut self, rows: Vec<Numbered<R>>) -> Vec<Numbered<R>> {
        self.is_over = rows.len() <= self.wanted;
        self.looked += rows.len();
        self.at = rows.last().map(|row| row.number).or(self.at);
        rows
    }

    /// Keeps a row that is seen.
    pub(super) fn found(&mut self, row: T, number: i64) {
        self.found.push((number, row));
    }

    /// Ends with the page, and where the next one begins.
    pub(super) fn end(mut self) -> Page<T> {
        let more = self.found.len() > self.wanted;
        self.found.truncate(self.wanted);
        let last = self.found.last().map(|(number, _)| *number);
        let next = match (more, self.is_over) {
            (true, _) => last,
            (false, true) => None,
            (false, false) => self.at,
        };
        let next = next.map(|number| cursor(self.list, &number.to_string()));
        Page { items: self.found.into_iter().map(|(_, row)| row).collect(), next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::api::page::number;

    /// Pages through rows `most` to 1 of which some are seen; returns what was seen, page by page.
    fn pages(most: i64, limit: u32, sees: impl Fn(i64) -> bool) -> Vec<Vec<i64>> {
        let (mut pages, mut before) = (Vec::new(), None);
        loop {
            let mut search = Search::new("rows", limit, before);
            while let Some(page) = search.next() {
                let first = page.number.map_or(most, |number| number - 1);
                let all = (1..=first).rev().take(usize::try_from(page.limit).expect("small"));
                let rows = all.map(|number| Numbered { number, team: None, row: () }).collect();
                for row in search.take(rows) {
                    if sees(row.number) {
                        search.found(row.number, row.number);
                    }
                }
            }
            let page = search.end();
            pages.push(page.items);
            match page.next {
                None => return pages,
                Some(next) => before = number("rows", Some(&next)).expect("reads"),
            }
        }
    }

    #[test]
    fn every_row_that_is_seen_is_shown_once() {
        assert_eq!(pages(0, 2, |_| true), [Vec::<i64>::new()]);
        assert_eq!(pages(2, 2, |_| true), [vec![2, 1]]);
        assert_eq!(pages(5, 2, |_| true), [vec![5, 4], vec![3, 2], vec![1]]);
        assert_eq!(pages(9, 2, |row| row % 3 == 0), [vec![9, 6], vec![3]]);
        for limit in [1, 3, 7] {
            let seen: Vec<i64> = pages(6_000, limit, |row| row % 1_999 == 0).concat();
            assert_eq!(seen, [5_997, 3_998, 1_999], "{limit}");
        }
    }
}
