//! The `vungxanh` program: parses the command line and hands over to [`vungxanh::app`].

use std::process::ExitCode;

use clap::Parser;
use vungxanh::{app, config::Cli};

/// A sixth of the time of a kept tile went into the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    app::main(Cli::parse())
}
