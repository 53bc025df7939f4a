//! What the process has used of its machine, where the system tells (Linux).

use std::fs;

use serde::Serialize;

/// The kernel counts CPU time for user programs in hundredths of a second, on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What it has at this moment.
#[derive(Debug, Serialize)]
pub(crate) struct Now {
    pub(crate) rss_bytes: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) open_files: Option<u64>,
}

impl Now {
    pub(crate) fn look() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            rss_bytes: kibibytes(&status, "VmRSS:"),
            threads: number(&status, "Threads:"),
            // The look itself opens one.
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| files.count().saturating_sub(1) as u64),
        }
    }
}

/// The most memory that the process ever had in use, in bytes.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The CPU time of the process, all of its threads together.
pub(crate) fn cpu_seconds() -> Option<f64> {
    cpu_time(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// A size that stands in kibibytes there, in bytes.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    Some(number(status, name)? * 1_024)
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_time(stat: &str) -> Option<f64> {
    // The name of the program stands in parentheses and may hold anything: the fields after it are counted.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\nThreads:\t7\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(2_097_152));
        assert_eq!((kibibytes(status, "VmRSS:"), number(status, "Threads:")), (Some(1_024), Some(7)));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 94 0 0 0 250 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(cpu_time(stat), Some(3.0));
        assert_eq!(kibibytes("nothing", "VmHWM:"), None);
        assert_eq!(cpu_time("nothing"), None);
    }
}
