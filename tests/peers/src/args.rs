//! The command line.

use std::path::PathBuf;

/// With fewer rounds the median is not reliable.
const FEWEST_ROUNDS: usize = 9;

#[derive(Debug)]
pub(crate) struct Args {
    /// The file for the figures, in addition to the tables.
    pub(crate) json: Option<PathBuf>,
    /// How often everything is measured; a bar is compared with the median of the runs.
    pub(crate) runs: usize,
    /// Rounds of one run.
    pub(crate) rounds: usize,
    /// Only rows with this text in their name are measured, and the floor; ratios need both of their rows.
    pub(crate) rows: String,
    /// Also measures the generated crates, which takes minutes.
    pub(crate) compile: bool,
    /// Prints the tables as Markdown.
    pub(crate) markdown: bool,
}

impl Args {
    /// Parses the arguments; the error is a message for the user.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Args {
            json: None,
            runs: 5,
            rounds: 41,
            rows: String::new(),
            compile: false,
            markdown: false,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => {
                    let file = words.next().ok_or("`--json` needs the name of a file")?;
                    args.json = Some(file.into());
                }
                "--runs" => {
                    let runs = words.next().and_then(|number| number.parse().ok());
                    args.runs =
                        runs.filter(|runs| *runs > 0).ok_or("`--runs` needs a number from 1 on")?;
                }
                "--rounds" => {
                    let rounds = words.next().and_then(|number| number.parse().ok());
                    args.rounds =
                        rounds.filter(|rounds| *rounds >= FEWEST_ROUNDS).ok_or_else(|| {
                            format!("`--rounds` needs a number from {FEWEST_ROUNDS} on")
                        })?;
                }
                "--rows" => args.rows = words.next().ok_or("`--rows` needs a part of a name")?,
                "--compile" => args.compile = true,
                "--markdown" => args.markdown = true,
                other => {
                    return Err(format!(
                        "unknown argument `{other}`; expected `--json FILE`, `--runs N`, \
                         `--rounds N`, `--rows PART`, `--compile` or `--markdown`"
                    ));
                }
            }
        }
        Ok(args)
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(&self.rows)
    }
}
