//! What the process has used of its machine, where the system tells (Linux).

use std::fs;

/// The kernel counts CPU time for user programs in hundredths of a second, on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// The most memory that the process ever had in use, in bytes.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    peak_rss(&fs::read_to_string("/proc/self/status").ok()?)
}

/// The CPU time of the process, all of its threads together.
pub(crate) fn cpu_seconds() -> Option<f64> {
    cpu_time(&fs::read_to_string("/proc/self/stat").ok()?)
}

fn peak_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
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
        assert_eq!(peak_rss("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"), Some(2_097_152));
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 94 0 0 0 250 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(cpu_time(stat), Some(3.0));
        assert_eq!(peak_rss("nothing"), None);
        assert_eq!(cpu_time("nothing"), None);
    }
}
