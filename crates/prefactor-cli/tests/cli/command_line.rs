use crate::support::{prefactor, run};

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = run(prefactor().args(["completions", shell]));

        assert!(said.output().contains("instances"), "{shell}");
    }
    assert!(run(prefactor().args(["completions", "sh"])).error(2).contains("[possible values: bash"));
}

#[test]
fn the_help_tells_the_exit_codes() {
    let help = run(prefactor().arg("--help"));

    for code in [
        "0  done",
        "1  failed",
        "2  wrong",
        "3  not authorised",
        "4  not found",
        "5  refused",
        "6  no answer",
    ] {
        assert!(help.output().contains(code), "{code}");
    }
}

#[test]
fn the_help_of_a_command_has_an_example() {
    for command in
        ["serve", "ping", "agents", "instances", "spans", "bulk", "watch", "load", "pfid", "profile"]
    {
        let help = run(prefactor().args([command, "--help"]));

        assert!(help.output().contains("Example"), "{command}");
    }
}

#[test]
fn what_is_no_command_is_told() {
    for args in [&[][..], &["dance"], &["agents"], &["instances", "jump"], &["spans", "list", "--nonsense"]] {
        let said = run(prefactor().args(args));

        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains("Usage: prefactor"), "{said:?}");
    }
}
