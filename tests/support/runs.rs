//! Run folders with known figures, written as the program stores them, and the program called on them.

use layerbench::model::{ColdKind, Fingerprint, Isolation, Property};
use layerbench::store::{EngineRecord, GitRecord, RunRecord, RunStatus, SCHEMA, ScenarioRecord};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const APPROACHES: [&str; 6] = ["a1", "a2", "a3", "a4", "a5", "a6"];
pub const SCENARIOS: [&str; 5] = ["cold", "warm", "sources", "main", "dev"];

/// Numbers between 0 and 1 that are the same in every run of the tests.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    pub fn roll(&mut self) -> f64 {
        // xorshift64* (S. Vigna, An experimental exploration of Marsaglia's xorshift generators, 2016).
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, with mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.roll()).sum::<f64>() - 6.0
    }
}

/// What a cell's seconds are multiplied with, by approach and scenario.
type Factor = Box<dyn Fn(&str, &str) -> f64>;

pub struct Night {
    pub name: String,
    pub record: RunRecord,
    pub n: u32,
    pub seed: u64,
    /// Factor of a cell's seconds.
    pub factor: Factor,
    pub image: u64,
    /// Standard deviations, as parts of the seconds: of each cell from night to night, and of each build.
    pub noise: (f64, f64),
    /// The only engine that `factor` applies to, of a run on several.
    pub factor_on: &'static str,
}

/// Day `day` of 2026, at two o'clock.
pub fn night(day: u32) -> Night {
    let (month, date) = (day / 28 + 1, day % 28 + 1);
    Night {
        name: format!("2026{month:02}{date:02}T020000Z-{day:08x}"),
        record: RunRecord {
            schema: SCHEMA.to_owned(),
            study: "small".to_owned(),
            title: "A small study".to_owned(),
            approaches: APPROACHES.map(str::to_owned).to_vec(),
            scenarios: SCENARIOS
                .map(|id| ScenarioRecord {
                    id: id.to_owned(),
                    title: id.to_owned(),
                    cache: if ["cold", "warm"].contains(&id) { id } else { "changed" }.to_owned(),
                })
                .to_vec(),
            published: None,
            findings: Vec::new(),
            study_hash: format!("{:064x}", 1),
            options: Default::default(),
            seed: 1,
            plan: Vec::new(),
            fingerprint: Fingerprint::from_iter([
                (Property::EngineVersion, "20.10"),
                (Property::Kernel, "6.1"),
                (Property::Cpus, "2"),
            ]),
            isolation: Isolation::Private,
            cold: ColdKind::Pristine,
            bases: Vec::new(),
            strata: Vec::new(),
            git: Some(GitRecord { revision: format!("{:040x}", 0xabcdu32), dirty: false }),
            started_at: format!("2026-{month:02}-{date:02}T02:00:00Z"),
            ended_at: Some(format!("2026-{month:02}-{date:02}T03:00:00Z")),
            program: "0.1.0".to_owned(),
            status: RunStatus::Finished,
            notes: Vec::new(),
        },
        n: 10,
        seed: u64::from(day) + 1,
        factor: Box::new(|_, _| 1.0),
        image: 1_000_000,
        noise: (0.01, 0.03),
        factor_on: "",
    }
}

impl Night {
    #[allow(dead_code)] // not everybody who shares this file changes options
    /// With an option of its call as its record might have it, whatever that is.
    pub fn option(&mut self, key: &str, value: serde_json::Value) {
        let mut options = serde_json::to_value(&self.record.options).unwrap();
        options.as_object_mut().unwrap().insert(key.to_owned(), value);
        self.record.options = serde_json::from_value(options).unwrap();
    }

    /// Without anything that changes from night to night.
    pub fn still(mut self) -> Self {
        self.noise = (0.0, 0.02);
        self
    }

    pub fn slow(mut self, factor: f64) -> Self {
        self.factor = Box::new(move |a, s| if (a, s) == ("a3", "cold") { factor } else { 1.0 });
        self
    }

    /// On several engines, of which only one is changed by the night's factor.
    pub fn on(mut self, engines: &[&str], factor_on: &'static str) -> Self {
        let one = |name: &&str| EngineRecord {
            name: (*name).to_owned(),
            fingerprint: self.record.fingerprint.clone(),
            isolation: Isolation::Private,
            cold: ColdKind::Pristine,
            bases: Vec::new(),
        };
        self.record.strata = engines.iter().map(one).collect();
        self.record.isolation = Isolation::Several;
        self.record.fingerprint = Fingerprint::default();
        self.factor_on = factor_on;
        self
    }

    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(&self.name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("run.json"), serde_json::to_string(&self.record).unwrap()).unwrap();
        let mut rows =
            "block,position,approach,scenario,status,reason,seconds,engine_seconds,pull_seconds,context_bytes,\
                        pulled_bytes,steps,steps_cached,image_id,image_bytes,started_at"
                .to_owned();
        let engines: Vec<&str> = self.record.strata.iter().map(|engine| engine.name.as_str()).collect();
        rows += if engines.is_empty() { "\n" } else { ",engine\n" };
        let engines = if engines.is_empty() { vec![""] } else { engines };
        let mut dice = Dice::new(self.seed);
        let mut position = 0;
        let mut off = || 1.0 + self.noise.0 * dice.normal();
        let offs: Vec<f64> = (0..30).map(|_| off()).collect();
        for block in 1..=self.n * u32::try_from(engines.len()).unwrap() {
            let engine = engines[block as usize % engines.len()];
            let (changed, ending) = (engine == self.factor_on, if engine.is_empty() { "" } else { "," });
            for (row, approach) in self.record.approaches.iter().enumerate() {
                for (column, scenario) in self.record.scenarios.iter().enumerate() {
                    position += 1;
                    let seconds = (row + 1) as f64
                        * (column + 1) as f64
                        * offs[(row * 5 + column) % 30]
                        * (self.noise.1 * dice.normal()).exp()
                        * if changed { (self.factor)(approach, &scenario.id) } else { 1.0 };
                    writeln!(
                        rows,
                        "{block},{position},{approach},{},ok,,{seconds:.6},{seconds:.6},0.000000,1,0,4,0,sha256:00,{},2026{ending}{engine}",
                        scenario.id, self.image
                    )
                    .unwrap();
                }
            }
        }
        fs::write(path.join("samples.csv"), rows).unwrap();
        fs::write(
            path.join("steps.csv"),
            "block,position,approach,scenario,step,kind,name,digest,inputs,start_s,end_s,cached,bytes,error\n",
        )
        .unwrap();
        path
    }
}

pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Calls the program in a folder.
pub fn call(dir: &Path, args: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_layerbench"))
        .args(args)
        .current_dir(dir)
        .env("COLUMNS", "160")
        .output()
        .unwrap();
    Answer {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
