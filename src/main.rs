//! The binary: hands the command line to [`trueline::cli`].

use std::process::ExitCode;

/// Documents are read by many threads into many small pieces: that is what it is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(trueline::cli::main())
}
