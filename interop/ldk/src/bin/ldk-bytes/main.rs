//! Doze's vectors read by LDK, and LDK's written for Doze.
//!
//!     ldk-bytes check FOLDER     every *.json of vectors/async; exit code 1 at a difference that is not a known one
//!     ldk-bytes write FOLDER     writes written-by-ldk-0.2.7.json there, the same bytes every time

mod cases;
mod known;
mod payments;
mod read;
mod surroundings;
mod view;
mod write;

use crate::read::Answer;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const WRITTEN: &str = "written-by-ldk-0.2.7.json";

fn check(folder: &Path) -> Result<bool, String> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json") && !path.ends_with(WRITTEN))
        .collect();
    names.sort();
    let (mut known, mut wrong) = (known::Differences::new(), 0);
    for path in &names {
        let name = path.file_name().expect("a name").to_string_lossy();
        let file = cases::read(path)?;
        let (mut same, mut expected, mut not_asked) = (0, 0, BTreeMap::new());
        for case in cases::cases(&file) {
            let answer = read::ask(case);
            if let Answer::NotAsked(why) = answer {
                *not_asked.entry(why).or_insert(0) += 1;
                continue;
            }
            match read::difference(case, &answer) {
                None => same += 1,
                Some(what) if known.has(&name, cases::text(case, "name"), &what) => expected += 1,
                Some(what) => {
                    println!("DIFFERENT  {name}: {}: {what}", cases::text(case, "name"));
                    wrong += 1;
                }
            }
        }
        println!("{name}: {same} the same, {expected} known differences");
        for (why, count) in not_asked {
            println!("    {count} not asked: {why}");
        }
    }
    if let Some(what) = read::path_difference(&cases::read(&folder.join("static-invoice-ldk.json"))?) {
        println!("DIFFERENT  static-invoice-ldk.json: {what}");
        wrong += 1;
    }
    for line in known.unused() {
        println!("DIFFERENT  a known difference that is none: {line}");
        wrong += 1;
    }
    // LDK's own: written again, so that it is what this LDK writes. Doze's tests read it.
    let written = std::fs::read_to_string(folder.join(WRITTEN)).unwrap_or_default();
    if written != write::text(folder)? {
        println!("DIFFERENT  {WRITTEN} is not what LDK writes: ldk-bytes write FOLDER");
        wrong += 1;
    } else {
        println!("{WRITTEN}: the same");
    }
    Ok(wrong == 0)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check", folder] => check(Path::new(folder)),
        ["write", folder] => write::text(Path::new(folder)).and_then(|text| {
            std::fs::write(Path::new(folder).join(WRITTEN), text).map(|_| true).map_err(|e| e.to_string())
        }),
        _ => Err("usage: ldk-bytes check FOLDER | write FOLDER".into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("ldk-bytes: {why}");
            ExitCode::FAILURE
        }
    }
}
