//! What a spool promises, on real files.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use prefactor_spool::{AppendError, Limits, OpenError, Record, Recovered, Spool, status};
use proptest::prelude::*;
use tempfile::TempDir;

const LIMITS: Limits = Limits { max_bytes: 1 << 20, segment_bytes: 200 };

fn open(directory: &Path) -> (Spool, Recovered) {
    Spool::open(directory, LIMITS).expect("a spool")
}

fn read_all(spool: &mut Spool) -> Vec<Record> {
    let mut all = Vec::new();
    loop {
        let records = spool.read(100).expect("readable");
        if records.is_empty() {
            return all;
        }
        all.extend(records);
    }
}

fn bodies(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.body).into_owned()).collect()
}

fn segment_files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "spool"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_not_acknowledged_comes_back_in_order() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    let first = spool.append(&["a", "b", "c"], 5).expect("room");
    spool.append(&["d"], 6).expect("room");
    spool.acknowledge(first + 1);
    spool.sync().expect("a disk");
    drop(spool);

    let (mut spool, recovered) = open(folder.path());
    let records = read_all(&mut spool);

    assert_eq!(bodies(&records), ["a", "c", "d"]);
    assert_eq!(records.iter().map(|record| record.at).collect::<Vec<_>>(), [5, 5, 6]);
    assert_eq!(records[1].sequence, first + 2);
    assert!(recovered.messages.is_empty());
    assert_eq!(spool.pending(), 3);
    assert_eq!(spool.unread(), 0);
}

#[test]
fn what_the_caller_has_already_is_not_read() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());

    spool.append(&["a"], 1).expect("room");
    spool.skip_unread();
    spool.append(&["b"], 2).expect("room");

    assert_eq!(spool.next_at(), Some(2));
    assert_eq!(bodies(&read_all(&mut spool)), ["b"]);
    assert_eq!(spool.next_at(), None);
    assert_eq!(spool.pending(), 2);
}

#[test]
fn a_spool_that_is_done_with_leaves_no_file_and_works_on() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    for round in 0..3 {
        for _ in 0..20 {
            let sequence = spool.append(&[[round; 50]], 1).expect("room");
            spool.acknowledge(sequence);
        }
        spool.sync().expect("a disk");
        assert!(segment_files(folder.path()).len() < 3, "files that are done with are removed");
        spool.close().expect("a disk");
        assert_eq!(segment_files(folder.path()), Vec::<PathBuf>::new());
        assert_eq!(spool.bytes(), 0);
    }
}

#[test]
fn what_is_prepended_comes_first_and_old_acknowledgements_are_not_about_it() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    let first = spool.append(&["gone 1", "gone 2"], 1).expect("room");
    spool.append(&[&[b'x'; 300][..]], 1).expect("room, and another file behind it");
    spool.append(&["waits"], 1).expect("room");
    spool.acknowledge(first);
    spool.acknowledge(first + 1);
    spool.acknowledge(first + 2);
    spool.sync().expect("a disk");

    spool.prepend(&["first", "second"], 2).expect("room");
    drop(spool);

    let (mut spool, _) = open(folder.path());
    let records = read_all(&mut spool);
    assert_eq!(bodies(&records), ["first", "second", "waits"]);
    spool.acknowledge(records[0].sequence);
    spool.sync().expect("a disk");
    drop(spool);
    assert_eq!(bodies(&read_all(&mut open(folder.path()).0)), ["second", "waits"]);
}

#[test]
fn a_file_that_is_set_aside_has_no_say_in_the_others() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    let first = spool.append(&["a", "b"], 1).expect("room");
    drop(spool);
    let own = fs::read(&segment_files(folder.path())[0]).expect("a file");
    // Another file with a record of a number that is taken, and the acknowledgement of another.
    let other = TempDir::new().expect("a folder");
    let (mut spool, _) = open(other.path());
    for body in ["x", "y"] {
        spool.append(&[body], 1).expect("room");
        spool.acknowledge(first);
        spool.sync().expect("a disk");
    }
    let mut intruder = fs::read(&segment_files(other.path())[0]).expect("a file");
    rename_to(&mut intruder, first + 1);
    fs::write(folder.path().join(format!("{:020}.spool", first + 1)), intruder).expect("a disk");

    let (mut spool, recovered) = open(folder.path());

    assert_eq!(recovered.messages.len(), 1, "{recovered:?}");
    assert_eq!(bodies(&read_all(&mut spool)), ["a", "b"]);
    assert_eq!(fs::read(&segment_files(folder.path())[0]).expect("a file"), own);
}

#[test]
fn a_generation_that_no_spool_ever_has_is_a_foreign_file() {
    let folder = TempDir::new().expect("a folder");
    let mut file = [*b"PFSPOOL1", [1, 0, 0, 0, 0, 0, 0, 0], [0xff; 8]].concat();
    file.extend(crc32fast::hash(&file).to_le_bytes());
    fs::write(folder.path().join(format!("{:020}.spool", 1)), file).expect("a disk");

    let (mut spool, recovered) = open(folder.path());

    assert_eq!(recovered.messages.len(), 1, "{recovered:?}");
    spool.append(&["a"], 1).expect("room");
    assert_eq!(bodies(&read_all(&mut spool)), ["a"]);
}

#[test]
fn what_is_taken_is_never_foreign_at_the_next_start() {
    let folder = TempDir::new().expect("a folder");
    let other = TempDir::new().expect("a folder");
    open(other.path()).0.append(&["last"], 1).expect("room");
    let mut file = fs::read(&segment_files(other.path())[0]).expect("a file");
    let last = (1 << 62) - 1;
    rename_to(&mut file, last);
    fs::write(folder.path().join(format!("{last:020}.spool")), file).expect("a disk");

    for _ in 0..2 {
        let (mut spool, recovered) = open(folder.path());
        assert!(recovered.messages.is_empty(), "{recovered:?}");
        assert_eq!(bodies(&read_all(&mut spool)), ["last"]);
        assert!(matches!(spool.append(&["no"], 1), Err(AppendError::Io(_))));
    }
}

/// Writes another first number into the header of a file.
fn rename_to(file: &mut [u8], first: u64) {
    file[8..16].copy_from_slice(&first.to_le_bytes());
    let checksum = crc32fast::hash(&file[..24]).to_le_bytes();
    file[24..28].copy_from_slice(&checksum);
}

#[test]
fn notes_are_kept_as_long_as_a_record_before_them() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    let first = spool.append(&[[1; 300]], 1).expect("room");
    spool.note(b"about it", 1).expect("a disk");
    spool.append(&[[2; 300]], 1).expect("room");
    drop(spool);

    let (mut spool, recovered) = open(folder.path());
    assert_eq!(recovered.notes, [b"about it"]);
    spool.acknowledge(first);
    spool.sync().expect("a disk");
    drop(spool);
    let (mut spool, recovered) = open(folder.path());
    assert_eq!(recovered.notes, [b"about it"], "the file of the note has a record that waits");
    spool.acknowledge(first + 1);
    spool.close().expect("a disk");
    drop(spool);
    assert_eq!(open(folder.path()).1.notes, Vec::<Vec<u8>>::new());
}

#[test]
fn a_note_alone_outlives_its_process() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    spool.append(&["a"], 1).expect("room");
    drop(spool);
    for _ in 0..2 {
        let (mut spool, _) = open(folder.path());
        spool.note(b"n", 1).expect("a disk");
    }

    let (mut spool, recovered) = open(folder.path());

    assert_eq!(recovered.notes, [b"n", b"n"]);
    spool.append(&["b"], 1).expect("room");
    assert_eq!(bodies(&read_all(&mut spool)), ["a", "b"]);
}

#[test]
fn one_process_at_a_time() {
    let folder = TempDir::new().expect("a folder");
    let (spool, _) = open(folder.path());

    let refused = Spool::open(folder.path(), LIMITS).expect_err("it is in use");

    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    assert!(status(folder.path()).expect("readable").in_use);
    drop(spool);
    assert!(!status(folder.path()).expect("readable").in_use);
    open(folder.path());
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().expect("a folder");
    let directory = folder.path().join("below/spool");
    let (mut spool, _) = open(&directory);
    spool.append(&["secret"], 1).expect("room");

    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in fs::read_dir(&directory).expect("a directory") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
}

#[test]
fn a_full_spool_refuses_and_takes_again_when_there_is_room() {
    let folder = TempDir::new().expect("a folder");
    let limits = Limits { max_bytes: 1_000, segment_bytes: 200 };
    let (mut spool, _) = Spool::open(folder.path(), limits).expect("a spool");
    let mut appended = Vec::new();
    let refused = loop {
        match spool.append(&[[7; 100]], 1) {
            Ok(sequence) => appended.push(sequence),
            Err(error) => break error,
        }
    };

    assert!(matches!(refused, AppendError::Full));
    assert!(spool.bytes() <= limits.max_bytes);
    assert_eq!(spool.room_for(&[[7; 100]]), 0);
    assert!(matches!(
        spool.append(&[vec![0; prefactor_spool::MAX_RECORD + 1]], 1),
        Err(AppendError::TooLarge)
    ));
    for sequence in &appended[..4] {
        spool.acknowledge(*sequence);
    }
    spool.sync().expect("a disk");
    spool.append(&[[8; 100]], 1).expect("room again");
    assert_eq!(read_all(&mut spool).len(), appended.len() - 4 + 1);
}

#[test]
fn as_many_records_have_room_as_can_be_appended_or_prepended() {
    let folder = TempDir::new().expect("a folder");
    let limits = Limits { max_bytes: 1_000, segment_bytes: 1_000 };
    let (mut spool, _) = Spool::open(folder.path(), limits).expect("a spool");
    for length in [10, 100] {
        let records = vec![vec![7; length]; 50];

        let fit = spool.room_for(&records);

        assert!(fit > 0 && fit < records.len(), "{fit}");
        assert!(matches!(spool.append(&records[..=fit], 1), Err(AppendError::Full)));
        assert!(matches!(spool.prepend(&records[..=fit], 1), Err(AppendError::Full)));
        match length {
            10 => spool.prepend(&records[..fit / 2], 1).expect("there is room"),
            _ => drop(spool.append(&records[..fit], 1).expect("there is room")),
        }
    }
    let too_large = vec![0; prefactor_spool::MAX_RECORD + 1];
    assert_eq!(spool.room_for(&[too_large]), 0);
    assert!(spool.bytes() <= limits.max_bytes);
}

#[test]
fn a_disk_that_takes_nothing_is_an_error_and_not_the_end() {
    let folder = TempDir::new().expect("a folder");
    let directory = folder.path().join("spool");
    let (mut spool, _) = open(&directory);
    spool.append(&[[1; 300]], 1).expect("room");
    let moved = folder.path().join("elsewhere");
    fs::rename(&directory, &moved).expect("it moves");

    let refused = spool.append(&["a"], 1).expect_err("no directory for another file");

    assert!(matches!(refused, AppendError::Io(_)), "{refused}");
    assert!(spool.read(100).is_err());
    fs::rename(&moved, &directory).expect("it moves back");
    spool.append(&["b"], 1).expect("room");
    assert_eq!(read_all(&mut spool).len(), 2);
}

#[test]
fn foreign_files_are_set_aside_once_and_told_of() {
    let folder = TempDir::new().expect("a folder");
    let foreign = folder.path().join("00000000000000000007.spool");
    fs::write(&foreign, "not a spool").expect("a file");
    fs::write(folder.path().join("notes.spool"), "nor this").expect("a file");
    fs::write(folder.path().join("README"), "mine").expect("a file");
    fs::create_dir(folder.path().join("00000000000000000009.spool")).expect("a directory");

    let (mut spool, recovered) = open(folder.path());
    assert_eq!(recovered.messages.len(), 3, "{:?}", recovered.messages);
    spool.append(&["a"], 1).expect("room");
    drop(spool);

    let (_, recovered) = open(folder.path());
    assert_eq!(recovered.messages, Vec::<String>::new());
    assert!(!foreign.exists());
    assert_eq!(status(folder.path()).expect("readable").damaged.len(), 3);
    assert_eq!(fs::read(folder.path().join("README")).expect("untouched"), b"mine");
}

#[test]
fn what_a_crash_cut_short_is_left_out_without_a_word() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    spool.append(&["whole", "cut"], 1).expect("room");
    drop(spool);
    let file = segment_files(folder.path()).remove(0);
    let length = fs::metadata(&file).expect("a file").len();
    let whole = fs::read(&file).expect("a file");

    for cut in 1..20 {
        OpenOptions::new()
            .write(true)
            .open(&file)
            .expect("a file")
            .set_len(length - cut)
            .expect("it shrinks");
        let (mut spool, recovered) = open(folder.path());
        assert_eq!(bodies(&read_all(&mut spool)), ["whole"], "{cut}");
        assert_eq!(recovered.messages, Vec::<String>::new());
        drop(spool);
        fs::write(&file, &whole).expect("a file");
    }
    let mut file = OpenOptions::new().append(true).open(&file).expect("a file");
    file.write_all(&[0; 64]).expect("room that was never filled");
    let (mut spool, recovered) = open(folder.path());
    assert_eq!(bodies(&read_all(&mut spool)), ["whole", "cut"]);
    assert_eq!(recovered.messages, Vec::<String>::new());
}

#[test]
fn what_is_damaged_is_told_of_and_kept_and_never_a_loop() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    spool.append(&["before", "broken", "behind"], 1).expect("room");
    spool.append(&[[b'x'; 300]], 1).expect("room");
    spool.append(&["in another file"], 1).expect("room");
    drop(spool);
    let file = segment_files(folder.path()).remove(0);
    let mut bytes = fs::read(&file).expect("a file");
    let at = bytes.windows(6).position(|six| six == b"broken").expect("it is there");
    bytes[at] ^= 1;
    fs::write(&file, bytes).expect("a file");

    let (mut spool, recovered) = open(folder.path());
    let records = read_all(&mut spool);

    assert_eq!(bodies(&records), ["before", "in another file"]);
    assert_eq!(recovered.messages.len(), 1, "{:?}", recovered.messages);
    records.iter().for_each(|record| spool.acknowledge(record.sequence));
    spool.close().expect("a disk");
    drop(spool);
    let (mut spool, recovered) = open(folder.path());
    assert_eq!(read_all(&mut spool), []);
    assert_eq!(recovered.messages, Vec::<String>::new());
    assert_eq!(status(folder.path()).expect("readable").damaged.len(), 1, "the file is kept");
}

#[test]
fn damage_that_comes_later_gives_up_the_rest_of_the_file_only() {
    let folder = TempDir::new().expect("a folder");
    let (mut spool, _) = open(folder.path());
    spool.append(&["a", "broken"], 1).expect("room");
    spool.append(&[[b'x'; 300]], 1).expect("room");
    spool.append(&["z"], 1).expect("room");
    let file = segment_files(folder.path()).remove(0);
    let mut bytes = fs::read(&file).expect("a file");
    let at = bytes.windows(6).position(|six| six == b"broken").expect("it is there");
    bytes[at] ^= 1;
    fs::write(&file, bytes).expect("a file");

    assert_eq!(bodies(&read_all(&mut spool)), ["a", "z"]);

    assert_eq!(spool.unread(), 0);
    assert_eq!(spool.pending(), 2);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    Acknowledge(prop::sample::Index),
    Read,
    Sync,
    Close,
    /// The process is killed, and another one begins.
    Crash,
    /// It ends, and has something to put first.
    Prepend(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let sizes = || prop::collection::vec(0..150_u8, 1..5);
    prop_oneof![
        4 => sizes().prop_map(Step::Append),
        4 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        2 => Just(Step::Read),
        1 => Just(Step::Sync),
        1 => Just(Step::Close),
        1 => Just(Step::Crash),
        1 => sizes().prop_map(Step::Prepend),
    ]
}

/// Bodies that tell each other apart.
fn batch(sizes: &[u8], number: &mut u32) -> Vec<Vec<u8>> {
    let mut body = |size: &u8| {
        *number += 1;
        let mut body = number.to_le_bytes().to_vec();
        body.resize(4 + usize::from(*size), 1);
        body
    };
    sizes.iter().map(&mut body).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, a record is there until it is acknowledged, once, and in its order; after a crash also what was
    /// acknowledged may come back, if nothing was written since.
    #[test]
    fn a_spool_does_as_its_model(steps in prop::collection::vec(step(), 1..60)) {
        let folder = TempDir::new().expect("a folder");
        let (mut spool, _) = open(folder.path());
        let mut model: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut unread: Vec<u64> = Vec::new();
        let mut unwritten: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Append(sizes) => {
                    let bodies = batch(&sizes, &mut number);
                    let first = spool.append(&bodies, 1).expect("room");
                    for (sequence, body) in (first..).zip(bodies) {
                        prop_assert!(model.last_key_value().is_none_or(|(last, _)| *last < sequence));
                        model.insert(sequence, body);
                        unread.push(sequence);
                    }
                    unwritten.clear();
                }
                Step::Acknowledge(index) => {
                    let read: Vec<u64> = model.keys().copied().filter(|sequence| !unread.contains(sequence)).collect();
                    if !read.is_empty() {
                        let sequence = *index.get(&read);
                        spool.acknowledge(sequence);
                        unwritten.insert(sequence, model.remove(&sequence).expect("it is there"));
                    }
                }
                Step::Read => {
                    let records = spool.read(64).expect("readable");
                    prop_assert_eq!(records.is_empty(), unread.is_empty());
                    for record in records {
                        prop_assert_eq!(record.sequence, unread.remove(0));
                        prop_assert_eq!(&record.body, &model[&record.sequence]);
                    }
                }
                Step::Sync => {
                    spool.sync().expect("a disk");
                    unwritten.clear();
                }
                Step::Close => {
                    spool.close().expect("a disk");
                    unwritten.clear();
                }
                Step::Crash => {
                    drop(spool);
                    spool = open(folder.path()).0;
                    let records = read_all(&mut spool);
                    let mut expected = model.clone();
                    for record in &records {
                        if let Some(body) = unwritten.remove(&record.sequence) {
                            expected.insert(record.sequence, body);
                        }
                    }
                    let found: BTreeMap<_, _> = records.into_iter().map(|record| (record.sequence, record.body)).collect();
                    prop_assert_eq!(&found, &expected);
                    model = expected;
                    unread.clear();
                    unwritten.clear();
                }
                Step::Prepend(sizes) => {
                    let bodies = batch(&sizes, &mut number);
                    spool.prepend(&bodies, 2).expect("room");
                    drop(spool);
                    spool = open(folder.path()).0;
                    let records = read_all(&mut spool);
                    let (front, rest) = records.split_at(bodies.len());
                    prop_assert!(front.iter().map(|record| &record.body).eq(&bodies));
                    prop_assert!(rest.iter().map(|record| &record.body).eq(model.values()));
                    model = records.into_iter().map(|record| (record.sequence, record.body)).collect();
                    unread.clear();
                    unwritten.clear();
                }
            }
            prop_assert_eq!(spool.pending(), model.len() as u64);
            prop_assert_eq!(spool.unread(), unread.len() as u64);
        }
    }

    /// Whatever is in the files, opening and reading them ends, without a panic, and a second time without a message.
    #[test]
    fn any_damage_is_survived(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in 0..40_usize) {
        let folder = TempDir::new().expect("a folder");
        let (mut spool, _) = open(folder.path());
        let first = spool.append(&["one", "two", "three"], 1).expect("room");
        spool.note(b"note", 1).expect("a disk");
        spool.acknowledge(first);
        spool.append(&["four"], 1).expect("room");
        spool.sync().expect("a disk");
        drop(spool);
        let file = segment_files(folder.path()).remove(0);
        let mut bytes = fs::read(&file).expect("a file");
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        fs::write(&file, bytes).expect("a file");

        let (mut spool, _) = open(folder.path());
        let records = read_all(&mut spool);
        for record in &records {
            prop_assert!(["one", "two", "three", "four"].contains(&std::str::from_utf8(&record.body).expect("intact")));
            spool.acknowledge(record.sequence);
        }
        spool.close().expect("a disk");
        drop(spool);
        let (mut spool, recovered) = open(folder.path());
        prop_assert_eq!(read_all(&mut spool), []);
        prop_assert_eq!(recovered.messages, Vec::<String>::new());
    }
}
