use crate::support::{RUN, prefactor, run};

#[test]
fn an_id_is_taken_apart() {
    let said = run(prefactor().args(["pfid", "inspect", "013xrzp12g3nqk8n04hmasw9nf6yy093", RUN]));

    insta::assert_snapshot!(said.output(), @r"
    id         013xrzp12g3nqk8n04hmasw9nf6yy093
    time       2009-02-13T23:31:30.000Z
    partition  123456789
    random     0123456789abcdef0123

    id         01hwv2xc00002byh00000000000000rn
    time       2024-05-01T22:03:00.480Z
    partition  77777
    random     00000000000000000315
    ");
    let json = run(prefactor().args(["pfid", "inspect", RUN, "--json"])).json();
    assert_eq!(json["partition"], 77777);
    assert_eq!(json["id"], RUN);
}

#[test]
fn new_ids_have_the_partition_that_is_asked_for_and_grow() {
    for (args, partition) in [
        (&["--partition", "5"][..], 5),
        (&["--like", RUN], 77777),
        (&[], 0),
        (&["--partition", "1073741823"], 1_073_741_823),
    ] {
        let said = run(prefactor().args(["pfid", "new", "-n", "100", "--json"]).args(args));

        let ids = said.json_lines();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id["partition"] == partition), "{args:?}");
        assert!(ids.is_sorted_by_key(|id| id["id"].as_str().map(str::to_owned)));
    }
}

#[test]
fn new_ids_are_printed_alone() {
    let said = run(prefactor().args(["pfid", "new", "-n", "2"]));

    assert!(said.output().lines().all(|line| line.len() == 32), "{said:?}");
    assert_eq!(said.output().lines().count(), 2);
}

#[test]
fn bad_input_is_told() {
    for (args, explanation) in [
        (&["new", "--partition", "1073741824"][..], "does not fit in 30 bits"),
        (&["new", "--partition", "-1"], "unexpected argument"),
        (&["new", "--partition=-1"], "a number from 0 to 1073741823"),
        (&["new", "--like", "x"], "32 characters, not 1"),
        (&["new", "--like", RUN, "--partition", "1"], "cannot be used with"),
        (&["new", "-n", "many"], "invalid digit"),
        (&["inspect"], "required"),
        (&["inspect", "81hwv2xc00002byh00000000000000rn"], "beyond '7'"),
        (&["inspect", "01hwv2xc00002byh0000000000000run"], "'u' at position 30"),
    ] {
        let said = run(prefactor().arg("pfid").args(args));
        assert!(said.error(2).contains(explanation), "{said:?}");
    }
}
