//! The built command, run as users run it, against the emulator over real HTTP.

/// `agents`: list, show, create, update, retire, reinstate, delete.
mod agents;
/// `bulk`: what is sent, what is printed, what is refused before anything is sent.
mod bulk;
/// `completions`, `--help` and what is wrong on the command line.
mod command_line;
/// Where address and token come from, and that tokens never show.
mod connection;
/// `serve --db`: what is there after a crash.
mod crash;
/// `instances`: list, show, register, start, finish, terminate, quality.
mod instances;
/// `load`: what it delivers and reports, how it fails.
mod load;
/// `load` while the server is dead: what memory takes, what is lost, what arrives afterwards.
mod outage;
/// What every command's output has in common: pipes, colours, control characters.
mod output;
/// `pfid`: ids, offline.
mod pfid;
/// `profile`: the file and who may read it.
mod profile;
/// `serve`: the emulator as a process.
mod serve;
/// Hours of load with faults, in minutes or seconds: what grows, and whether each span arrives once.
mod soak;
/// `spans`: list, create, finish.
mod spans;
/// `spool`, and `load --spool`: what survives kill -9, and what is done with it by hand.
mod spool;
mod support;
/// `watch`: a run while it goes on.
mod watch;
