//! What can happen to a run: how it is made to happen and mended, and what must come of it.

use crate::case::{Case, Needs, Trouble};
use crate::own_engine::OwnEngine;
use layerbench::model::Status;
use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// How a run ends that something happened to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// At once, and can go on when all is well again.
    Broken,
    /// At its end, with builds that are not `ok`.
    Whole,
    /// At its end, and well: what happened was waited out.
    Healed,
    /// At once, and cannot go on: it is made anew.
    Gone,
}

pub struct Fault {
    pub name: &'static str,
    pub needs: Needs,
    pub args: &'static [&'static str],
    pub prepare: fn(&mut Case),
    /// Makes it happen, and gives the place in the plan of the build that it happened to.
    pub strike: fn(&mut Case, usize) -> usize,
    pub mend: fn(&mut Case),
    pub ends: Ends,
    /// What the build's row must say. Where this is empty there need not be a row.
    pub marks: &'static [Status],
    /// One of these must be said.
    pub says: &'static [&'static str],
}

const FAULT: Fault = Fault {
    name: "",
    needs: Needs::Nothing,
    args: &[],
    prepare: |_| {},
    strike: |_, _| 0,
    mend: |_| {},
    ends: Ends::Broken,
    marks: &[Status::Failed],
    says: &[],
};

const TIMEOUT: &[&str] = &["--timeout=12"];

pub const ENGINE_KILLED: Fault = Fault {
    name: "engine killed (SIGKILL) in the middle of a build",
    strike: |case, number| {
        let build = in_the_middle_of_a_build(case, number);
        signal("KILL", case.dockerd());
        build
    },
    says: &["engine.sock"],
    ..FAULT
};

pub const RESULTS_MOVED: Fault = Fault {
    name: "results folder moved away, and put back",
    strike: |case, number| {
        let build = in_the_middle_of_a_build(case, number);
        fs::rename(case.dir.join("results/tiny"), case.dir.join("results/away")).unwrap();
        build
    },
    mend: |case| fs::rename(case.dir.join("results/away"), case.dir.join("results/tiny")).unwrap(),
    marks: &[],
    says: &["it was moved or removed while the run was made"],
    ..FAULT
};

/// What engines do.
pub const ENGINES: &[Fault] = &[
    ENGINE_KILLED,
    Fault {
        name: "engine killed (SIGKILL) between two builds",
        strike: |case, number| {
            // Not after the last row of a chain: the engine is thrown away then.
            let rows = [1, 2, 4, 5][number % 4];
            case.until_rows(rows);
            signal("KILL", case.dockerd());
            rows
        },
        marks: &[],
        says: &["engine.sock"],
        ..FAULT
    },
    Fault {
        name: "engine of the user killed, started again at once",
        prepare: |case| case.own = Some(OwnEngine::start(&case.dir)),
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            let own = case.own.as_mut().unwrap();
            own.kill();
            own.restart();
            build
        },
        ends: Ends::Whole,
        says: &["the connection to the engine broke"],
        ..FAULT
    },
    Fault {
        name: "engine of the user killed, started again later",
        prepare: |case| case.own = Some(OwnEngine::start(&case.dir)),
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            case.own.as_ref().unwrap().kill();
            build
        },
        mend: |case| case.own.as_mut().unwrap().restart(),
        says: &["asking the engine"],
        ..FAULT
    },
    Fault {
        name: "engine hung (SIGSTOP) for ever",
        args: TIMEOUT,
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            signal("STOP", case.dockerd());
            build
        },
        marks: &[Status::Timeout],
        says: &["it hangs"],
        ..FAULT
    },
    Fault {
        name: "engine hung (SIGSTOP), woken after the time limit",
        args: TIMEOUT,
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            let engine = case.dockerd();
            signal("STOP", engine);
            sleep(Duration::from_secs(14));
            signal("CONT", engine);
            build
        },
        ends: Ends::Whole,
        marks: &[Status::Timeout],
        says: &["not done after 12 s"],
        ..FAULT
    },
];

/// What those do that builds fetch from, and the way there.
pub const SOURCES: &[Fault] = &[
    Fault {
        name: "registry gone",
        needs: Needs::Registry,
        strike: |case, _| {
            case.until_rows(3);
            gone_for_a_build(case, 3)
        },
        ends: Ends::Whole,
        says: &["connection refused"],
        ..FAULT
    },
    Fault { name: "registry slow", strike: |case, _| trouble(case, Trouble::Slow), ..TIMED_OUT },
    Fault {
        name: "registry answers 429",
        needs: Needs::Registry,
        strike: |case, _| {
            case.until_rows(3);
            case.make_trouble(Some(Trouble::TooMany));
            case.until("the pause", |case| case.said().contains("trying again"));
            case.make_trouble(None);
            3
        },
        ends: Ends::Healed,
        marks: &[Status::Ok],
        says: &["trying again"],
        ..FAULT
    },
    Fault {
        name: "registry answers 500",
        needs: Needs::Registry,
        strike: |case, _| trouble(case, Trouble::Error),
        ends: Ends::Whole,
        says: &["500"],
        ..FAULT
    },
    Fault {
        name: "registry cuts a layer in the middle, once",
        needs: Needs::Registry,
        strike: |case, _| trouble(case, Trouble::Cut),
        // The engine asks for the rest of it by itself, and takes nothing that has not its digest.
        ends: Ends::Healed,
        marks: &[Status::Ok],
        says: &["6 of 6 builds"],
        ..FAULT
    },
    Fault {
        name: "registry cuts a layer in the middle, each time",
        needs: Needs::Registry,
        strike: |case, _| trouble(case, Trouble::CutAgain),
        ends: Ends::Whole,
        says: &["EOF"],
        ..FAULT
    },
    Fault {
        name: "package index gone",
        needs: Needs::Index,
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            gone_for_a_build(case, build)
        },
        ends: Ends::Whole,
        says: &["exit code: 1"],
        ..FAULT
    },
    Fault {
        name: "network cut in the engine's namespace during a pull",
        strike: |case, _| {
            case.until_rows(3);
            case.make_trouble(Some(Trouble::Drag));
            case.until("the pull", |case| case.begun());
            sleep(Duration::from_millis(500));
            let engine = case.dockerd().to_string();
            let cut = ["--net", "--target", &engine, "ip", "link", "set", "eth0", "down"];
            assert!(Command::new("nsenter").args(cut).status().unwrap().success());
            case.until_rows(4);
            case.make_trouble(None);
            3
        },
        ..TIMED_OUT
    },
];

/// What disks do.
pub const DISKS: &[Fault] = &[
    Fault {
        name: "disk full under the engine",
        needs: Needs::Time,
        prepare: |case| case.mount("home", &["-t", "tmpfs", "-o", "size=240m", "tmpfs"]),
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            case.fill("home");
            build
        },
        mend: |case| fs::remove_file(case.dir.join("home/filler")).unwrap(),
        says: &["a disk is full"],
        ..FAULT
    },
    Fault {
        name: "disk full under the results",
        prepare: |case| case.mount("results", &["-t", "tmpfs", "-o", "size=3m", "tmpfs"]),
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            case.fill("results");
            build
        },
        mend: |case| fs::remove_file(case.dir.join("results/filler")).unwrap(),
        marks: &[],
        says: &["No space left on device", "is about to fill"],
        ..FAULT
    },
    Fault {
        name: "results folder read-only, as after an error of its disk",
        prepare: |case| {
            let image = case.dir.join("results.img");
            fs::File::create(&image).and_then(|file| file.set_len(32 << 20)).unwrap();
            assert!(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).status().unwrap().success());
            case.mount("results", &["-o", READ_ONLY, &image.to_string_lossy()]);
        },
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            let mounts = fs::read_to_string("/proc/mounts").unwrap();
            let place = format!(" {}/results ", case.dir.display());
            let device = mounts.lines().find(|line| line.contains(&place)).unwrap().split(' ').next().unwrap();
            let name = device.trim_start_matches("/dev/");
            fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "a fault for a test").unwrap();
            build
        },
        mend: |case| {
            let image = case.dir.join("results.img").to_string_lossy().into_owned();
            case.remount("results", &image, &["-o", READ_ONLY, &image]);
        },
        marks: &[],
        says: &["Read-only file system"],
        ..FAULT
    },
    RESULTS_MOVED,
    Fault {
        name: "results folder removed",
        strike: |case, number| {
            let build = in_the_middle_of_a_build(case, number);
            fs::remove_dir_all(case.dir.join("results/tiny")).unwrap();
            build
        },
        ends: Ends::Gone,
        marks: &[],
        says: &["it was moved or removed while the run was made"],
        ..FAULT
    },
];

const READ_ONLY: &str = "loop,errors=remount-ro";

const TIMED_OUT: Fault = Fault {
    needs: Needs::Registry,
    args: TIMEOUT,
    ends: Ends::Whole,
    marks: &[Status::Timeout],
    says: &["not done after 12 s"],
    ..FAULT
};

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

/// Another build for each number: every one that executes a step.
fn in_the_middle_of_a_build(case: &mut Case, number: usize) -> usize {
    let chains = case.approaches;
    let nth = number % (2 * chains);
    case.until_step(nth + 1);
    3 * (nth / 2) + 2 * (nth % 2)
}

/// Until the build at this place of the plan has its row.
fn gone_for_a_build(case: &mut Case, build: usize) -> usize {
    case.server.as_ref().unwrap().close();
    case.until_rows(build + 1);
    case.server.as_ref().unwrap().open();
    build
}

/// For the first build of the second chain.
fn trouble(case: &mut Case, trouble: Trouble) -> usize {
    case.until_rows(3);
    case.make_trouble(Some(trouble));
    case.until_rows(4);
    case.make_trouble(None);
    3
}
