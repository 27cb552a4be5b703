//! Rules over a catalog, and reports of what they find.
