//! What is wrong with a file, in one sentence with its line.

use super::Desk;
use rstest::rstest;

#[rstest]
#[case(
    "thme = 1",
    "config.toml:1: unknown key `thme`; valid here: default_profile, ui, policies, profiles"
)]
#[case(
    "[ui]\nthme = \"dark\"",
    "config.toml:2: unknown key `thme` in [ui]; did you mean `theme`?"
)]
#[case(
    "[ui]\ntheme = \"drak\"",
    "config.toml:2: `theme` in [ui] does not know \"drak\"; did you mean `dark`?"
)]
#[case(
    "[profiles.p]\nbase_ulr = \"https://x\"",
    "config.toml:2: unknown key `base_ulr` in [profiles.p]; did you mean `base_url`?"
)]
#[case(
    "[profiles.p.probes]\ninterval = \"5s\"",
    "config.toml:2: `interval` in [profiles.p.probes] must be from 30s to 7d"
)]
#[case(
    "[profiles.p]\nlimits_interval = 10",
    "config.toml:2: `limits_interval` in [profiles.p] must be a duration such as \"90s\" or \"10m\", not an integer"
)]
#[case(
    "[profiles.p]\nlimits_interval = \"soon\"",
    "config.toml:2: `limits_interval` in [profiles.p] must be a duration such as \"90s\" or \"10m\""
)]
#[case(
    "\n\n[ui]\nmouse = \"yes\"",
    "config.toml:4: `mouse` in [ui] must be true or false, not a string"
)]
#[case(
    "[profiles.p]\nauth = \"barer\"",
    "config.toml:2: `auth` in [profiles.p] does not know \"barer\"; did you mean `bearer`?"
)]
#[case(
    "[profiles.p]\nanthropic_version = \"latest\"",
    "config.toml:2: `anthropic_version` in [profiles.p] does not know \"latest\"; valid here: 2023-06-01, 2026-10-21"
)]
#[case(
    "[profiles.p.call]\npolicy = \"hint-jiter\"",
    "config.toml:2: `policy` in [profiles.p.call] does not know \"hint-jiter\"; did you mean `hint-jitter`?"
)]
#[case(
    "[profiles.p.call]\npolicy = \"immediate\"",
    "config.toml:2: `policy` in [profiles.p.call]: immediate is for simulators only, anywhere else it would be an attack: choose another, such as hint-jitter"
)]
#[case(
    "[profiles.p.call]\nmax_tokens = 0",
    "config.toml:2: `max_tokens` in [profiles.p.call] must be from 1 to 1000000"
)]
#[case(
    "[profiles.p.call]\nmax_tokens = 1.5",
    "config.toml:2: `max_tokens` in [profiles.p.call] must be a whole number, not a float"
)]
#[case(
    "[profiles.p.spend]\nday_usd = -1",
    "config.toml:2: `day_usd` in [profiles.p.spend] must be from 0 to 100000"
)]
#[case(
    "[profiles.p.thresholds]\ntight = 5",
    "`critical` (10) must not be above `tight` (5)"
)]
#[case(
    "[profiles.p]\nbase_url = \"api.anthropic.com\"",
    "config.toml:2: The base URL cannot be read (relative URL without a base); write it as https://api.anthropic.com"
)]
#[case(
    "[profiles.p]\nbase_url = \"https://x/v1/\"",
    "config.toml:2: The base URL ends in /v1, which ratetop adds itself; write it as https://api.anthropic.com"
)]
#[case(
    "[profiles.p]\nbase_url = \"https://u:sk-ant-planted@x\"",
    "config.toml:2: The base URL carries a name or a password, which is no place for a key; write it as https://api.anthropic.com"
)]
#[case(
    "[profiles.p]\nworkspace = \"main\"",
    "config.toml:2: `workspace` must be an id such as \"wrkspc_01AbC\" (leave it out for the default workspace)"
)]
#[case(
    "[profiles.p]\napi_key = 5",
    "config.toml:2: `api_key` in [profiles.p] must be { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", …] }, not an integer"
)]
#[case(
    "[profiles.p]\napi_key = { evn = \"X\" }",
    "config.toml:2: unknown key `evn` in [profiles.p.api_key]; did you mean `env`?"
)]
#[case(
    "[profiles.p]\napi_key = { env = \"X\", file = \"y\" }",
    "config.toml:2: `api_key` must be one of { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", …] }"
)]
#[case(
    "[profiles.p]\napi_key = { command = [] }",
    "config.toml:2: `api_key` has an empty command"
)]
#[case(
    "[profiles.p]\napi_key = { command = \"pass show x\" }",
    "config.toml:2: `command` in [profiles.p.api_key] must be a list of texts, not a string"
)]
#[case(
    "[profiles.p]\nbase_url = \"http://10.0.0.5\"\napi_key = { env = \"X\" }",
    "config.toml:2: profile p would send a key over plain http to 10.0.0.5:80: use https, or set `allow_plain_http = true` in the profile"
)]
#[case(
    "[profiles.p.tap]\nlisten = \"4788\"",
    "config.toml:2: `listen` must be an address with a port such as \"127.0.0.1:4788\""
)]
#[case(
    "[profiles.p.tap]\nlisten = \"0.0.0.0:4788\"\nallow_remote = true",
    "config.toml:2: `tap.listen`: 0.0.0.0:4788 can be reached from other machines: set `allow_remote = true` and `token_file` beside it, or listen on 127.0.0.1"
)]
#[case(
    "[profiles.\"../x\"]",
    "config.toml:1: profile name `../x` must be 1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `-`, not beginning with `.`"
)]
#[case(
    "[profiles.env]",
    "config.toml:1: profile name `env` is taken by ratetop itself"
)]
#[case(
    "profiles = 3",
    "config.toml:1: `profiles` must be a table, not an integer"
)]
#[case(
    "default_profile = \"p\"\n[profiles.prod]",
    "config.toml:1: no profile `p`; valid here: prod"
)]
#[case(
    "default_profile = \"prd\"\n[profiles.prod]",
    "config.toml:1: no profile `prd`; did you mean `prod`?"
)]
#[case(
    "[profiles.p]\n[profiles.p]",
    "config.toml:2: not valid TOML: duplicate key"
)]
#[case(
    "[ui]\nmouse = ",
    "config.toml:2: not valid TOML: string values must be quoted, expected literal string"
)]
fn a_bad_file_is_one_sentence_with_its_line(#[case] text: &str, #[case] sentence: &str) {
    assert_eq!(Desk::with(text).sentence(""), sentence);
}
