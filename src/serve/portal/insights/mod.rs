//! The page of insights: how well it went of late, as figures, charts and tables of the same numbers.

mod chart;
mod page;

pub(super) use page::show;
