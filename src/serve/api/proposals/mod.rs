//! Proposals: what Trueline filed, or is about to file, and what people opened. Those on the forge of this machine are shown in
//! full, and words are said on them; those elsewhere are led to.

mod forge;
mod line;
mod list;
mod one;
mod router;
#[cfg(test)]
mod tests;
mod words;

pub(super) use router::routes;
#[cfg(test)]
pub(in crate::serve) use tests::proposed;
