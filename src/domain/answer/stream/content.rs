//! Content blocks put back together from their deltas, to be sent back unchanged after a `pause_turn`.

use serde_json::Value;

/// Blocks of one answer that are kept.
const MOST_BLOCKS: usize = 256;
/// Bytes of content that are kept.
const MOST_KEPT: usize = 8 << 20;

/// The blocks of one answer.
#[derive(Debug, Default)]
pub(super) struct Content {
    blocks: Vec<Block>,
    kept: usize,
    /// Something could not be kept whole, so the answer must not be sent back.
    lossy: bool,
}

#[derive(Debug)]
struct Block {
    value: Value,
    /// `input_json_delta`s, joined.
    json: String,
}

impl Content {
    /// `content_block_start`.
    pub(super) fn start(&mut self, data: &Value) {
        let block = data.get("content_block").cloned().unwrap_or_default();
        let in_order = index(data) == Some(self.blocks.len());
        if in_order && self.blocks.len() < MOST_BLOCKS && block.is_object() {
            self.blocks.push(Block {
                value: block,
                json: String::new(),
            });
        } else {
            self.lossy = true;
        }
    }

    /// A delta that appends to a text field; `input` is JSON until its block is over.
    pub(super) fn append(&mut self, data: &Value, field: &str, added: &str) {
        self.kept += added.len();
        let block = index(data).and_then(|index| self.blocks.get_mut(index));
        let (Some(block), true) = (block, self.kept <= MOST_KEPT) else {
            self.lossy = true;
            return;
        };
        if field == "input" {
            block.json.push_str(added);
        } else {
            match &mut block.value[field] {
                Value::String(held) => held.push_str(added),
                other => *other = Value::from(added),
            }
        }
    }

    /// `citations_delta`.
    pub(super) fn cite(&mut self, data: &Value, delta: &Value) {
        let block = index(data).and_then(|index| self.blocks.get_mut(index));
        let (Some(block), Some(citation)) = (block, delta.get("citation")) else {
            self.lossy = true;
            return;
        };
        self.kept += citation.to_string().len();
        if self.kept > MOST_KEPT {
            self.lossy = true;
            return;
        }
        match &mut block.value["citations"] {
            Value::Array(held) => held.push(citation.clone()),
            other => *other = Value::from(vec![citation.clone()]),
        }
    }

    /// `content_block_stop`.
    pub(super) fn stop(&mut self, data: &Value) {
        let Some(block) = index(data).and_then(|index| self.blocks.get_mut(index)) else {
            return;
        };
        if block.json.is_empty() {
            return;
        }
        match serde_json::from_str(&block.json) {
            Ok(input) => block.value["input"] = input,
            Err(_) => self.lossy = true,
        }
    }

    /// A delta that nobody knows: what it changed is lost.
    pub(super) fn lose(&mut self) {
        self.lossy = true;
    }

    /// The blocks; none when something was lost.
    pub(super) fn whole(self) -> Vec<Value> {
        if self.lossy {
            return Vec::new();
        }
        self.blocks.into_iter().map(|block| block.value).collect()
    }
}

fn index(data: &Value) -> Option<usize> {
    data.get("index")
        .and_then(Value::as_u64)
        .and_then(|index| usize::try_from(index).ok())
}
