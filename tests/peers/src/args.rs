//! The command line.

use std::path::PathBuf;

use crate::rows;

/// Fewer rounds give no median worth the name.
const FEWEST_ROUNDS: usize = 9;

#[derive(Debug)]
pub(crate) struct Args {
    /// Where the ratios go, beside the table.
    pub(crate) json: Option<PathBuf>,
    pub(crate) rounds: usize,
    /// Rows without this in their name are left out, but for the floor; ratios go with them.
    pub(crate) only: String,
}

impl Args {
    /// The error is a sentence for whoever typed the arguments.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Args { json: None, rounds: 51, only: String::new() };
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => {
                    let file = words.next().ok_or("`--json` needs the name of a file")?;
                    args.json = Some(file.into());
                }
                "--rounds" => {
                    let rounds = words.next().and_then(|number| number.parse().ok());
                    args.rounds =
                        rounds.filter(|rounds| *rounds >= FEWEST_ROUNDS).ok_or_else(|| {
                            format!("`--rounds` needs a number from {FEWEST_ROUNDS} on")
                        })?;
                }
                "--only" => {
                    args.only = words
                        .next()
                        .filter(|part| rows::all().iter().any(|row| row.name.contains(part)))
                        .ok_or("`--only` needs a part of a row's name")?;
                }
                other => {
                    return Err(format!(
                        "unknown argument `{other}`; expected `--json FILE`, `--rounds N` or \
                         `--only NAME`"
                    ));
                }
            }
        }
        Ok(args)
    }
}
