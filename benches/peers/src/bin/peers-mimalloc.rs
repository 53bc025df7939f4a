//! The same measurements with an allocator that an application may choose: threads have heaps of their own in it.

use mimalloc::MiMalloc;
use prefactor_peers::child;

#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

fn main() {
    child::measure(std::env::args().skip(1));
}
