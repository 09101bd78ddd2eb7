//! The `vungxanh` program: parses the command line and hands over to [`vungxanh::app`].

use std::process::ExitCode;

use clap::Parser;
use vungxanh::{app, config::Cli};

fn main() -> ExitCode {
    app::main(Cli::parse())
}
