//! The binary: hands the command line to [`trueline::cli`].

fn main() {}
