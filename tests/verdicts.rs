//! `compare`, `gate` and `history` on stored runs: what they say, what they end with, and what they refuse.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/runs.rs"]
mod runs;

use layerbench::model::Property;
use runs::{Answer, Night, call, night};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// One quiet night, as two runs of one evening are.
fn evening() -> TempDir {
    let dir = TempDir::new().unwrap();
    night(0).still().write(dir.path());
    dir
}

fn history(nights: u32) -> TempDir {
    let dir = TempDir::new().unwrap();
    for day in 0..nights {
        night(day).write(dir.path());
    }
    dir
}

fn gate(dir: &Path, tonight: &Night, more: &[&str]) -> Answer {
    tonight.write(dir);
    let args = [&["gate", tonight.name.as_str()], more].concat();
    call(dir, &args)
}

fn expect(answer: &Answer, code: i32, words: &[&str]) {
    assert_eq!(answer.code, code, "{}{}", answer.out, answer.err);
    for word in words {
        assert!(answer.out.contains(word) || answer.err.contains(word), "{word}: {}{}", answer.out, answer.err);
    }
}

#[test]
fn compare_finds_what_became_slower_and_nothing_else() {
    let dir = evening();
    let base = night(0).name;
    let same = night(1).still();
    same.write(dir.path());
    expect(&call(dir.path(), &["compare", &base, &same.name]), 0, &["0 regressions", "0 larger images"]);
    let slow = night(2).still().slow(1.3);
    slow.write(dir.path());
    let answer = call(dir.path(), &["compare", &base, &slow.name]);
    expect(&answer, 3, &["1 regression,", "More: layerbench explain", "a3/cold --against"]);
    let json = call(dir.path(), &["compare", &base, &slow.name, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let slower: Vec<_> = value["cells"].as_array().unwrap().iter().filter(|c| c["verdict"] == "regression").collect();
    assert_eq!(slower.len(), 1);
    assert_eq!((&slower[0]["approach"], &slower[0]["scenario"]), (&"a3".into(), &"cold".into()));
    assert!((slower[0]["ratio"].as_f64().unwrap() - 1.3).abs() < 0.06, "{}", slower[0]);
    let markdown = call(dir.path(), &["compare", &base, &slow.name, "--format", "markdown"]);
    expect(&markdown, 3, &["| a3 | cold |", "**regression**"]);
}

#[test]
fn compare_says_when_it_cannot_tell() {
    let dir = evening();
    let base = night(0).name;
    let mut few = night(1).still().slow(2.0);
    few.n = 6;
    few.write(dir.path());
    expect(&call(dir.path(), &["compare", &base, &few.name, "--format", "text"]), 3, &["a3", "regression"]);
    let mut base_few = night(3).still();
    base_few.n = 6;
    base_few.write(dir.path());
    let answer = call(dir.path(), &["compare", &base_few.name, &few.name]);
    expect(&answer, 4, &["not enough data (too few samples)", "30 of 30 cells have too few samples"]);
    let mut all = night(2).still();
    all.factor = Box::new(|_, _| 1.2);
    all.write(dir.path());
    expect(&call(dir.path(), &["compare", &base, &all.name]), 4, &["Global shift", "a global shift of +"]);
}

#[test]
fn sizes_are_compared_exactly() {
    let dir = evening();
    let mut larger = night(1).still();
    larger.image += 1;
    larger.write(dir.path());
    expect(&call(dir.path(), &["compare", &night(0).name, &larger.name]), 3, &["1 byte larger", "6 larger images"]);
    expect(&call(dir.path(), &["compare", &larger.name, &night(0).name]), 0, &["1 byte smaller"]);
}

/// The containerd image store packs layers, each time a little differently.
#[test]
fn sizes_of_packed_layers_are_compared_with_an_allowance() {
    let dir = evening();
    let packed = |number, more| {
        let mut night = night(number).still();
        night.record.fingerprint.insert(Property::ImageStore, "containerd");
        night.image += more;
        night.write(dir.path());
        night.name
    };
    let (base, alike, larger) = (packed(2, 0), packed(3, 500), packed(4, 5_000_000));
    expect(&call(dir.path(), &["compare", &base, &alike]), 0, &["0 larger images"]);
    expect(&call(dir.path(), &["compare", &base, &larger]), 3, &["5000000 bytes larger", "6 larger images"]);
}

#[test]
fn two_approaches_of_a_run_are_compared_in_every_way_of_asking() {
    let dir = evening();
    let run = night(0).name;
    let (one, two) = (format!("{run}:a1"), format!("{run}:a2"));
    for args in [vec!["compare", &run, "--approach", "a1", "--approach", "a2"], vec!["compare", &one, &two]] {
        let answer = call(dir.path(), &args);
        expect(&answer, 3, &["5 regressions", "a1 of 2026", "explain"]);
        assert!(!answer.out.contains("Global shift"), "{}", answer.out);
    }
    expect(&call(dir.path(), &["compare", &two, &one]), 0, &["5 improvements"]);
    expect(&call(dir.path(), &["compare", &run]), 2, &["found one run; expected two runs"]);
    expect(&call(dir.path(), &["compare", &run, "--approach", "a1", "--approach", "zz"]), 2, &["\"zz\"", "a1, a2"]);
    expect(&call(dir.path(), &["compare", &one, &run]), 2, &["an approach on one side only"]);
    expect(&call(dir.path(), &["compare", &run, "nowhere"]), 2, &["nowhere", "no run.json"]);
}

#[test]
fn unlike_runs_are_refused_and_the_difference_is_named() {
    let dir = evening();
    let base = night(0).name;
    let unlike = |day, change: &dyn Fn(&mut Night)| {
        let mut other = night(day).still();
        change(&mut other);
        other.write(dir.path());
        other.name
    };
    let kernel = unlike(1, &|n| n.record.fingerprint.insert(Property::Kernel, "6.2"));
    let answer = call(dir.path(), &["compare", &base, &kernel]);
    expect(&answer, 4, &["kernel: 6.1 in the base, 6.2 in the new run", "--force"]);
    expect(&call(dir.path(), &["compare", &base, &kernel, "--force"]), 0, &["Unlike runs: kernel"]);
    let study = unlike(2, &|n| n.record.study = "other".into());
    expect(&call(dir.path(), &["compare", &base, &study]), 4, &["study: small in the base, other"]);
    let cold = unlike(3, &|n| n.record.cold = layerbench::model::ColdKind::WarmBase);
    expect(&call(dir.path(), &["compare", &base, &cold]), 4, &["kind of cold: pristine"]);
    let schema = unlike(4, &|n| n.record.schema = "layerbench.run/2".into());
    expect(&call(dir.path(), &["compare", &base, &schema]), 4, &["layerbench.run/2", "layerbench.run/1"]);
    let edited = unlike(5, &|n| n.record.study_hash = format!("{:064x}", 2));
    expect(&call(dir.path(), &["compare", &base, &edited]), 4, &["one of the records was edited"]);
    let broken = unlike(6, &|n| n.record.study_hash = "abc".into());
    expect(&call(dir.path(), &["compare", &base, &broken]), 2, &["study_hash \"abc\"", "64 hexadecimal digits"]);
}

#[test]
fn the_gate_fires_on_a_slow_down_and_is_quiet_otherwise() {
    let dir = history(14);
    expect(&gate(dir.path(), &night(14), &[]), 0, &["no regression", "14 comparable nights"]);
    let answer = gate(dir.path(), &night(15).slow(1.15), &[]);
    let shown =
        ["regression", "a3 / cold", "since tonight, revision 000000000000", "more: layerbench explain", "15 nights"];
    expect(&answer, 3, &shown);
    let json = call(dir.path(), &["gate", &night(15).name, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value["verdict"], "regression");
    let again = gate(dir.path(), &night(16).slow(1.15), &["--format", "markdown"]);
    expect(&again, 3, &["2 nights in a row", &night(15).name]);
}

#[test]
fn the_gate_says_when_it_cannot_tell() {
    let dir = history(14);
    let mut few = night(14);
    few.n = 6;
    expect(&gate(dir.path(), &few, &[]), 4, &["cannot tell", "too few builds tonight"]);
    let mut all = night(15);
    all.factor = Box::new(|_, _| 1.3);
    expect(&gate(dir.path(), &all, &[]), 4, &["a global shift of +"]);
    let young = evening();
    let mut calm = night(3);
    calm.noise = (0.0, 0.01);
    expect(&gate(young.path(), &calm, &[]), 0, &["By one night"]);
    expect(&gate(young.path(), &night(4).still().slow(1.3), &[]), 4, &["Suspect: a3 / cold", "--confirm"]);
    expect(&gate(history(0).path(), &night(4), &[]), 4, &["no comparable run before"]);
    let mut broken = night(5);
    broken.record.status = layerbench::store::RunStatus::Interrupted;
    expect(&gate(young.path(), &broken, &[]), 4, &["did not come to its end"]);
}

#[test]
fn an_accepted_change_is_the_new_measure() {
    let dir = history(14);
    for day in 14..26 {
        night(day).slow(1.2).write(dir.path());
    }
    let first = night(14).name;
    expect(&gate(dir.path(), &night(26).slow(1.2), &[]), 3, &["13 nights in a row"]);
    let all = ["history", ".", "accept", &first, "--cell", "a3/cold", "--reason", "a newer base"];
    expect(&call(dir.path(), &all), 0, &["accepted.toml"]);
    expect(&gate(dir.path(), &night(26).slow(1.2), &[]), 0, &["no regression"]);
    let shown = call(dir.path(), &["history", "."]);
    expect(&shown, 0, &["27 nights", "1 change", "accepted: a newer base", "revision 000000000000"]);
    let since = call(dir.path(), &["history", ".", "--since", "2026-01-20"]);
    expect(&since, 0, &["8 nights", "No change of level"]);
    let json = call(dir.path(), &["history", ".", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let cells = value["cells"].as_array().unwrap();
    let changed: Vec<_> = cells.iter().filter(|c| !c["changes"].as_array().unwrap().is_empty()).collect();
    assert_eq!(changed.len(), 1);
    let at = changed[0]["changes"][0]["night"].as_u64().unwrap();
    assert!((13..=15).contains(&at), "{at}");
    expect(&call(dir.path(), &["history", ".", "accept", "x", "--reason", "y"]), 2, &["found \"x\""]);
    expect(&call(dir.path(), &["history", ".", "accept", &first, "--reason", " "]), 2, &["--reason: found nothing"]);
    let wrong = ["history", ".", "accept", &first, "--cell", "zz", "--reason", "y"];
    expect(&call(dir.path(), &wrong), 2, &["--cell \"zz\""]);
    expect(&call(Path::new("/"), &["history", "/proc/self/task"]), 2, &["found no run"]);
}

#[test]
fn bad_nights_are_named_and_never_averaged() {
    let dir = history(14);
    let quiet = gate(dir.path(), &night(40), &[]);
    let spoil = |day: u32, change: &dyn Fn(&mut Night), edit: &dyn Fn(String) -> String| {
        // Each of them would fire the gate if it were used.
        let mut bad = night(day).slow(9.0);
        change(&mut bad);
        let file = bad.write(dir.path()).join("samples.csv");
        fs::write(&file, edit(fs::read_to_string(&file).unwrap())).unwrap();
        bad.name
    };
    let keep = |text: String| text;
    let replace = |with: &'static str| {
        move |text: String| {
            let row = text.lines().nth(1).unwrap().to_owned();
            let seconds = row.split(',').nth(6).unwrap().to_owned();
            text.replacen(&seconds, with, 1)
        }
    };
    let names = [
        spoil(15, &|n| n.record.study = "other".into(), &keep),
        spoil(16, &|n| n.record.fingerprint.insert(Property::Kernel, "6.2"), &keep),
        spoil(17, &|n| n.record.schema = "layerbench.run/2".into(), &keep),
        spoil(18, &|_| (), &|text| text[..text.len() - 40].to_owned()),
        spoil(19, &|n| n.record.study_hash = format!("{:064x}", 2), &keep),
        spoil(20, &|_| (), &replace("NaN")),
        spoil(21, &|_| (), &replace("-1.0")),
        spoil(22, &|n| n.record.started_at = night(5).record.started_at, &keep),
        spoil(23, &|n| n.record.started_at = "yesterday".into(), &keep),
        spoil(24, &|n| n.record.status = layerbench::store::RunStatus::Running, &keep),
        spoil(25, &|n| n.record.study_hash = "edited".into(), &keep),
    ];
    let words = [
        "not the same study",
        "not the same kernel",
        "layerbench.run/2",
        "the last line of samples.csv is cut off",
        "one of the records was edited",
        "seconds = \"NaN\"",
        "seconds = \"-1.0\"",
        "the same night twice",
        "\"yesterday\" is no time",
        "did not come to its end",
        "study_hash \"edited\"",
        "No run between",
    ];
    for command in [vec!["gate", &night(40).name], vec!["history", "."]] {
        let answer = call(dir.path(), &command);
        expect(&answer, 0, &[]);
        let text = answer.out.replace("\n  ", " ");
        for word in words.iter().chain(&names.each_ref().map(|name| name.as_str())) {
            assert!(text.contains(word), "{command:?}: {word}: {text}");
        }
    }
    let figures = |answer: &Answer| answer.out.lines().nth(1).map(str::to_owned);
    assert_eq!(figures(&call(dir.path(), &["gate", &night(40).name])), figures(&quiet));
    fs::write(dir.path().join("accepted.toml"), "[[accepted]]\nrun = 3\n").unwrap();
    expect(&call(dir.path(), &["gate", &night(40).name]), 2, &["accepted.toml"]);
}

#[test]
fn the_published_raw_figures_are_imported_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = TempDir::new().unwrap();
    let out = dir.path().to_string_lossy().into_owned();
    let sizes = "results/article/published-sizes.csv";
    let answer = call(root, &["import", "results/article/published-raw.csv", "--sizes", sizes, "--out", &out]);
    expect(&answer, 0, &["03-multistage is taken for 03-multi-stage", "(n = 8", "cannot tell (no figure for"]);
    assert_eq!(answer.out.matches(": holds").count(), 12, "{}", answer.out);
    let summary = fs::read_to_string(dir.path().join("latest/summary.csv")).unwrap();
    let independent = std::process::Command::new("python3")
        .arg("tests/oracles/published-figures.py")
        .current_dir(root)
        .output()
        .unwrap();
    let independent = String::from_utf8(independent.stdout).unwrap();
    let ours: Vec<String> =
        summary.lines().skip(1).map(|l| l.split(',').take(6).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(independent.lines().count(), 30);
    for line in independent.lines() {
        let close = |mine: &&String| {
            let (mine, theirs): (Vec<&str>, Vec<&str>) = (mine.split(',').collect(), line.split(',').collect());
            let number = |text: &str| text.parse::<f64>().unwrap();
            mine[..3] == theirs[..3] && (3..6).all(|i| (number(mine[i]) - number(theirs[i])).abs() < 1e-9)
        };
        assert_eq!(ours.iter().filter(close).count(), 1, "{line}");
    }
    let published = fs::read_to_string(root.join("results/article/published.csv")).unwrap();
    let mut outside = Vec::new();
    for line in published.lines().skip(1) {
        let theirs: Vec<&str> = line.split(',').collect();
        let mine = ours.iter().find(|l| l.starts_with(&format!("{},{},", theirs[0], theirs[1]))).unwrap();
        let mine: Vec<&str> = mine.split(',').collect();
        let number = |text: &str| text.parse::<f64>().unwrap();
        let inside = |value: &str| (number(theirs[3])..=number(theirs[4])).contains(&number(value));
        assert!(inside(mine[3]), "median of {line}");
        if !inside(mine[4]) || !inside(mine[5]) {
            outside.push(line.to_owned());
        }
    }
    assert!(outside.is_empty(), "{outside:?}");
    let bad = dir.path().join("bad.csv");
    fs::write(&bad, "scenario;cold\n99-other;1\n").unwrap();
    let bad = bad.to_string_lossy().into_owned();
    expect(&call(root, &["import", &bad, "--out", &out]), 2, &["\"99-other\"", "--rename 99-other=NAME"]);
    expect(&call(root, &["import", &bad, "--out", &out, "--study", "none"]), 0, &["99-other"]);
    expect(&call(root, &["import", &bad, "--out", &out, "--rename", "99-other=05-final"]), 0, &["05-final"]);
}

/// Both engines of a run are there, but one became slower: it is named, and the other is not blamed.
#[test]
fn engines_are_judged_each_by_itself() {
    let dir = TempDir::new().unwrap();
    let engines = ["old", "new"];
    for day in 0..14 {
        night(day).on(&engines, "new").write(dir.path());
    }
    let slow = night(14).slow(1.3).on(&engines, "new");
    expect(
        &gate(dir.path(), &slow, &[]),
        3,
        &["a3 / cold on new: regression", "explain", "new/a3/cold", "60 cells: 1 slower"],
    );
    let base = night(13).name;
    let json = call(dir.path(), &["compare", &base, &slow.name, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    for stratum in value["strata"].as_array().unwrap() {
        let worse = stratum["report"]["worse"].as_bool().unwrap();
        assert_eq!(worse, stratum["engine"] == "new", "{stratum}");
    }
    expect(&call(dir.path(), &["history", "."]), 0, &["a3 / cold on old", "a3 / cold on new"]);
    // A machine that became slower as a whole is a shift of its engine alone.
    let mut shifted = night(15).on(&engines, "old");
    shifted.factor = Box::new(|_, _| 1.2);
    expect(&gate(dir.path(), &shifted, &[]), 4, &["global shift: all cells together on old", "60 cells: 0 slower"]);
    // Other engines are another kind of run, and so is one alone.
    let other = night(16).on(&["old", "far"], "old");
    other.write(dir.path());
    let alone = night(17);
    alone.write(dir.path());
    for name in [&other.name, &alone.name] {
        expect(&call(dir.path(), &["compare", &base, name]), 4, &["engines: new, old in the base"]);
    }
    expect(&call(dir.path(), &["explain", &base, "a3/cold", "a3/warm"]), 2, &["old/a1/cold"]);
    let forced = call(dir.path(), &["compare", &base, &other.name, "--force"]);
    // What the nights' own noise makes of them is not the point: only the engine that both have is compared.
    expect(&forced, forced.code, &["A small study on old", "Unlike runs: engines"]);
    assert!(!forced.out.contains("A small study on new") && !forced.out.contains("A small study on far"));
}
