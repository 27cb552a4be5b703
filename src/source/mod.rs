//! Catalogs in git and in directories.
