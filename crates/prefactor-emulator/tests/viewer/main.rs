//! The viewer as people meet it, in a real browser, and its endpoints as other programs on the machine may.
//!
//! The browser is chromium with its driver (`apt-get install chromium chromium-driver`). Where they are missing, these
//! tests say so and pass.

mod account;
mod browser;
mod details;
mod endpoints;
mod guard;
mod huge;
mod keyboard;
mod live;
mod looks;
mod notices;
mod runs;
mod terminate;
mod waterfall;
mod webdriver;
