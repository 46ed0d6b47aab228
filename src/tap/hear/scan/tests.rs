use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    A,
    B,
    Inner,
    Deep,
}

const WANTED: Wanted<Want> = &[
    Key {
        name: "a",
        want: Some(Want::A),
        inner: &[],
    },
    Key {
        name: "é😀",
        want: Some(Want::B),
        inner: &[],
    },
    Key {
        name: "in",
        want: Some(Want::Inner),
        inner: &[
            Key {
                name: "a",
                want: Some(Want::Deep),
                inner: &[],
            },
            Key {
                name: "in",
                want: None,
                inner: &[Key {
                    name: "b",
                    want: Some(Want::B),
                    inner: &[],
                }],
            },
        ],
    },
];

/// A value as it was told.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Text(Vec<u8>, u64),
    Number(String),
    Other(String),
}

fn told(value: Value<'_>) -> Told {
    match value {
        Value::Text(kept, total) => Told::Text(kept.to_vec(), total),
        Value::Number(digits) => Told::Number(String::from_utf8_lossy(digits).into_owned()),
        other => Told::Other(format!("{other:?}")),
    }
}

/// What is told of `text`, cut into pieces of these sizes, and whether the object was whole.
fn scanned(text: &[u8], cuts: &[usize]) -> (Vec<(Want, Told)>, bool) {
    let mut scanner = Scanner::new(WANTED);
    let mut all = Vec::new();
    let mut rest = text;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((*cuts.next().unwrap()).clamp(1, rest.len()));
        scanner.push(piece, &mut |want, value| all.push((want, told(value))));
        rest = after;
    }
    (all, scanner.is_over())
}

/// The same from serde_json's own reading.
fn expected(value: &Json, wanted: Wanted<Want>, all: &mut Vec<(Want, Told)>) {
    let Json::Object(object) = value else { return };
    for (name, value) in object {
        let Some(key) = wanted.iter().find(|key| key.name == name) else {
            continue;
        };
        let told = match value {
            Json::Null => Told::Other("Null".into()),
            Json::Bool(it) => Told::Other(format!("Bool({it})")),
            Json::Number(it) => Told::Number(it.to_string()),
            Json::String(it) => {
                let kept = it.as_bytes();
                Told::Text(kept[..kept.len().min(KEPT)].to_vec(), kept.len() as u64)
            }
            Json::Array(_) => Told::Other("Array".into()),
            Json::Object(_) => Told::Other("Object".into()),
        };
        all.extend(key.want.map(|want| (want, told)));
        expected(value, key.inner, all);
    }
}

/// JSON as another writer might write it: every character an escape where `dice` says so, blanks
/// anywhere they may be.
fn written(value: &Json, dice: &mut u64) -> String {
    let mut roll = |of: u64| {
        *dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*dice >> 33) % of
    };
    let blank = [" ", "\n", "\t", "\r", "", "", "", ""][roll(8) as usize];
    let text = |text: &str, roll: &mut dyn FnMut(u64) -> u64| {
        let mut out = String::from("\"");
        for c in text.chars() {
            if roll(4) == 0 {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let low = format!("{unit:04x}");
                    let digits = if roll(2) == 0 {
                        low
                    } else {
                        low.to_uppercase()
                    };
                    out.extend(["\\u", &digits]);
                }
            } else {
                let plain = serde_json::to_string(&c).unwrap();
                out += plain
                    .trim_start_matches('"')
                    .strip_suffix('"')
                    .unwrap_or("\\\"");
            }
        }
        out + "\""
    };
    let out = match value {
        Json::String(it) => text(it, &mut roll),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| written(item, dice)).collect();
            format!("[{blank}{}]", items.join(","))
        }
        Json::Object(object) => {
            let names: Vec<_> = object.keys().map(|name| text(name, &mut roll)).collect();
            let members: Vec<_> = names
                .iter()
                .zip(object.values())
                .map(|(name, value)| format!("{name}{blank}:{}", written(value, dice)))
                .collect();
            format!("{{{blank}{}}}", members.join(","))
        }
        plain => plain.to_string(),
    };
    format!("{blank}{out}{blank}")
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["a", "in", "b", "é😀", "A", "", "messages"])
            .prop_map(String::from),
        "\\PC{0,8}",
    ]
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e9..1e9_f64).prop_map(Json::from),
        ".{0,20}".prop_map(Json::from),
        "[\"\\\\\\n\u{1}]{0,9}".prop_map(Json::from),
        (500_usize..600).prop_map(|n| Json::from("é".repeat(n / 2))),
    ];
    let any = leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    });
    prop::collection::vec((name(), any), 0..8)
        .prop_map(|members| Json::Object(members.into_iter().collect::<Map<_, _>>()))
}

fn sorted(mut all: Vec<(Want, Told)>) -> Vec<String> {
    let mut lines: Vec<String> = all.drain(..).map(|told| format!("{told:?}")).collect();
    lines.sort();
    lines
}

proptest! {
    #[test]
    fn the_same_is_found_as_by_a_whole_parser(
        value in json(),
        mut dice in any::<u64>(),
        cuts in prop::collection::vec(1_usize..9, 1..9),
    ) {
        let text = written(&value, &mut dice);
        prop_assert_eq!(&serde_json::from_str::<Json>(&text).unwrap(), &value);
        let (found, whole) = scanned(text.as_bytes(), &cuts);
        prop_assert!(whole, "{}", text);
        let mut wanted = Vec::new();
        expected(&value, WANTED, &mut wanted);
        prop_assert_eq!(sorted(found), sorted(wanted), "{}", text);
    }

    #[test]
    fn any_bytes_give_the_same_however_they_are_cut(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[\\{\\}\\[\\]\":,\\\\a-c0-9eu ]{0,200}".prop_map(String::into_bytes),
            json().prop_map(|json| json.to_string().into_bytes()),
        ],
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cuts in prop::collection::vec(1_usize..9, 1..9),
    ) {
        let mut bytes = bytes;
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        prop_assert_eq!(scanned(&bytes, &cuts), scanned(&bytes, &[usize::MAX]));
    }
}

proptest! {
    #[test]
    fn the_end_of_a_string_is_where_its_first_quote_or_backslash_is(
        plain in prop::collection::vec(any::<u8>(), 0..80),
        rest in "[\"\\\\!#\\[\\]]{0,3}",
    ) {
        let bytes = [plain.as_slice(), rest.as_bytes()].concat();
        let first = bytes.iter().position(|b| matches!(b, b'"' | b'\\'));
        prop_assert_eq!(special(&bytes), first);
    }
}

#[test]
fn of_two_that_have_one_name_the_last_counts() {
    let (found, _) = scanned(br#"{"a":"first","a":2,"\u0061":"last"}"#, &[1]);
    assert_eq!(
        found.last(),
        Some(&(Want::A, Told::Text(b"last".to_vec(), 4)))
    );
    assert_eq!(found.len(), 3);
}

#[test]
fn depth_is_only_a_number() {
    for (open, close) in [("[", "]"), ("{\"in\":", "}")] {
        let text = format!(
            "{{\"x\":{}1{},\"a\":7}}",
            open.repeat(300_000),
            close.repeat(300_000)
        );
        let (found, whole) = scanned(text.as_bytes(), &[8_192]);
        assert_eq!(found.last(), Some(&(Want::A, Told::Number("7".into()))));
        assert!(whole);
    }
}

#[test]
fn a_huge_string_is_passed_over() {
    let text = format!(
        r#"{{"x":"{}\"","a":"{}"}}"#,
        "y".repeat(3 << 20),
        "z".repeat(2 << 20)
    );
    let (found, whole) = scanned(text.as_bytes(), &[65_536, 1]);
    assert_eq!(found, [(Want::A, Told::Text(vec![b'z'; KEPT], 2 << 20))]);
    assert!(whole);
}

#[test]
fn a_character_that_the_end_cuts_is_left_out() {
    let name = "€".repeat(300);
    let text = format!(r#"{{"a":"{name}"}}"#);
    let mut scanner = Scanner::new(WANTED);
    let mut kept = String::new();
    scanner.push(text.as_bytes(), &mut |_, value| {
        kept = value.text().unwrap().into_owned();
    });
    assert_eq!(kept, "€".repeat(KEPT / 3));
}
