//! Which engines a call builds on: the same options wherever something is built.

use crate::engine::dind::USUAL_IMAGE;
use clap::Args;

/// Engines, and what may be done to them.
#[derive(Clone, Debug, Args)]
pub struct EngineChoice {
    /// Which engine: `auto`, `private`, `dind`, `host`, or an address such as unix:///run/docker.sock. Given several
    /// times, whole repetitions are shared out among the engines, one builds at a time, and no figure mixes them; NAME=
    /// in front says what one is called in the results
    #[arg(long, default_value = "auto", value_name = "[NAME=]ENGINE")]
    pub engine: Vec<String>,
    /// DANGEROUS: removes ALL images and the WHOLE build cache of the engine at this address, whoever made them, before
    /// each cold build, so that cold means pristine there. Must be said of exactly the address of an --engine, tcp:// or
    /// ssh://; containers, volumes and networks are left alone, and an engine that holds a container is refused
    #[arg(long, value_name = "ADDRESS")]
    pub may_empty: Vec<String>,
    /// Image of the engine that `--engine dind` starts inside yours; it must be there
    #[arg(long, default_value = USUAL_IMAGE, value_name = "IMAGE")]
    pub dind_image: String,
}
