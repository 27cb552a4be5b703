//! Judges the catalog of a directory as `trueline validate` does, in a program of your own.
//!
//! `cargo run --example validate -- DIR [FORMAT]` ends with 1 where an error is found. It changes nothing.

use std::env::args;
use std::error::Error;
use std::process::ExitCode;

use trueline::source::DirectoryReader;
use trueline::validate::Judge;
use trueline::validate::report::{self, Report};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let directory = args().nth(1).unwrap_or_else(|| ".".to_owned());
    let format = args().nth(2).unwrap_or_else(|| "text".to_owned());
    let format = report::format(&format).ok_or("there is no such format")?;

    let snapshot = DirectoryReader::new(directory).read()?;
    let judged = Judge::default().judge(&snapshot);
    let report = Report::new(&snapshot, &judged.findings);

    print!("{}", (format.write)(&report));
    Ok(if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
