//! The same measurements in a binary that counts what is allocated.

use std::alloc::System;

use prefactor_peers::{child, memory};
use stats_alloc::StatsAlloc;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = memory::ALLOCATOR;

fn main() {
    child::measure(std::env::args().skip(1));
}
