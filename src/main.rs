//! The binary: hands the command line to [`trueline::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(trueline::cli::main())
}
