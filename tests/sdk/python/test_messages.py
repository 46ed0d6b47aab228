"""Messages, streams, token counts and models, as the SDK reads them."""

import datetime
import json
import unittest

import anthropic
from world import ADMIN_KEY, API_KEY, World


class Messages(World):
    def test_create_gives_a_message_with_usage(self):
        message = self.hello(self.client())
        self.assertEqual((message.type, message.role, message.model), ("message", "assistant", "claude-haiku-4-5"))
        self.assertEqual(message.content[0].type, "text")
        self.assertTrue(message.content[0].text)
        self.assertEqual(message.stop_reason, "end_turn")
        self.assertGreater(message.usage.input_tokens, 0)
        self.assertTrue(20 <= message.usage.output_tokens <= 40, message.usage)
        self.assertTrue(message.id.startswith("msg_"))
        self.assertTrue(message._request_id.startswith("req_"))

    def test_max_tokens_cuts_the_answer(self):
        message = self.hello(self.client(), max_tokens=3)
        self.assertEqual((message.stop_reason, message.usage.output_tokens), ("max_tokens", 3))

    def test_headers_of_the_documented_families(self):
        self.hello(self.client())
        headers = self.wire[0][2]
        for family in ("requests", "tokens", "input-tokens", "output-tokens"):
            limit = int(headers[f"anthropic-ratelimit-{family}-limit"])
            left = int(headers[f"anthropic-ratelimit-{family}-remaining"])
            self.assertTrue(0 <= left <= limit, family)
            if family != "requests":
                self.assertEqual(left % 1000, 0, "token counts are rounded to a thousand")
            reset = datetime.datetime.fromisoformat(headers[f"anthropic-ratelimit-{family}-reset"])
            self.assertLess(abs((reset - datetime.datetime.now(datetime.timezone.utc)).total_seconds()), 70)
        self.assertIn("anthropic-organization-id", headers)
        self.assertEqual(headers["anthropic-workspace-id"], "wrkspc_01SdkTestsResearchAAAAAA")
        self.assertNotIn("retry-after", headers)

    def test_alias_system_prompt_and_content_blocks(self):
        message = self.hello(
            self.client(),
            model="claude-haiku-4-5-20251001",
            system="Be brief.",
            messages=[{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}],
        )
        self.assertTrue(message.content[0].text)

    def test_cache_control_is_written_then_read(self):
        text = "The quick brown fox jumps over the lazy dog. " * 900
        system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
        first = self.hello(self.client(), system=system).usage
        second = self.hello(self.client(), system=system).usage
        self.assertGreater(first.cache_creation_input_tokens, 1000)
        self.assertEqual(first.cache_creation.ephemeral_5m_input_tokens, first.cache_creation_input_tokens)
        self.assertEqual(second.cache_read_input_tokens, first.cache_creation_input_tokens)
        self.assertLess(second.input_tokens, 1000, "input_tokens excludes what the cache served")

    def test_stream_accumulates_to_the_same_shape(self):
        with self.client().messages.stream(
            model="claude-sonnet-5-5", max_tokens=64, messages=[{"role": "user", "content": "Say hello."}]
        ) as stream:
            text = "".join(stream.text_stream)
            message = stream.get_final_message()
        self.assertEqual(text, message.content[0].text)
        self.assertEqual(message.stop_reason, "end_turn")
        self.assertTrue(20 <= message.usage.output_tokens <= 40, message.usage)
        self.assertIn("anthropic-ratelimit-requests-remaining", self.wire[0][2])
        self.assertTrue(self.wire[0][2]["content-type"].startswith("text/event-stream"))

    TOOLS = [
        {
            "name": "get_weather",
            "description": "The weather of a city.",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        }
    ]

    def test_a_tool_is_asked_for_and_its_result_is_answered(self):
        messages = [{"role": "user", "content": "How is the weather?"}]
        asked = self.hello(self.client(), tools=self.TOOLS, messages=messages)
        self.assertEqual(asked.stop_reason, "tool_use")
        use = asked.content[-1]
        self.assertEqual((use.type, use.name), ("tool_use", "get_weather"))
        self.assertIsInstance(use.input["city"], str)
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "Sunny."}
        messages += [{"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
        answer = self.hello(self.client(), tools=self.TOOLS, messages=messages)
        self.assertEqual(answer.stop_reason, "end_turn")
        self.assertTrue(answer.content[0].text)

    def test_a_streamed_tool_use_accumulates_its_input(self):
        with self.client().messages.stream(
            model="claude-haiku-4-5", max_tokens=64, tools=self.TOOLS, messages=[{"role": "user", "content": "Weather?"}]
        ) as stream:
            pieces = [event.partial_json for event in stream if event.type == "input_json"]
            message = stream.get_final_message()
        self.assertEqual(message.stop_reason, "tool_use")
        use = message.content[-1]
        self.assertEqual((use.type, use.name), ("tool_use", "get_weather"))
        self.assertEqual(json.loads("".join(pieces)), use.input)
        self.assertEqual(set(use.input), {"city"})

    def test_a_stop_sequence_ends_the_text_and_is_named(self):
        message = self.hello(self.client(), stop_sequences=["never said", "simulator"])
        self.assertEqual((message.stop_reason, message.stop_sequence), ("stop_sequence", "simulator"))
        self.assertNotIn("simulator", message.content[0].text)
        with self.client().messages.stream(
            model="claude-haiku-4-5",
            max_tokens=64,
            stop_sequences=["simulator"],
            messages=[{"role": "user", "content": "Say hello."}],
        ) as stream:
            streamed = stream.get_final_message()
        self.assertEqual((streamed.stop_reason, streamed.stop_sequence), ("stop_sequence", "simulator"))
        self.assertEqual(streamed.content[0].text, message.content[0].text)
        self.assertIsNone(self.hello(self.client()).stop_sequence)

    def test_raw_events_come_in_the_documented_order(self):
        events = self.hello(self.client(), stream=True)
        kinds = [event.type for event in events]
        self.assertEqual(kinds[:2], ["message_start", "content_block_start"])
        self.assertEqual(kinds[-3:], ["content_block_stop", "message_delta", "message_stop"])
        self.assertEqual(set(kinds[2:-3]), {"content_block_delta"})

    def test_beta_query_and_head_are_accepted(self):
        body = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
        headers = {"x-api-key": API_KEY, "anthropic-version": "2023-06-01"}
        self.assertEqual(self.raw("POST", "/v1/messages?beta=true", json=body, headers=headers).status_code, 200)
        self.assertEqual(self.raw("HEAD", "/").status_code, 200)
        message = self.client().beta.messages.create(
            model="claude-haiku-4-5", max_tokens=8, messages=[{"role": "user", "content": "Hi"}]
        )
        self.assertTrue(message.content)

    def test_count_tokens(self):
        client = self.client()
        short, long = (
            client.messages.count_tokens(model="claude-haiku-4-5", messages=[{"role": "user", "content": text}])
            for text in ("Hi", "Hi " * 500)
        )
        self.assertGreater(short.input_tokens, 0)
        self.assertGreater(long.input_tokens, short.input_tokens + 300)
        families = [name for name in self.wire[0][2] if name.startswith("anthropic-ratelimit-")]
        self.assertEqual(families, [], "rate-limit headers belong to messages only")

    def test_models_are_listed_page_by_page_and_one_by_one(self):
        client = self.client()
        listed = [model.id for model in client.models.list(limit=4)]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertGreater(len(self.wire), 2, "more than one page")
        self.assertIn("claude-opus-5-5", listed)
        self.assertIn(client.models.retrieve("claude-haiku-4-5").lifecycle, ("active", "deprecated"))
        with self.assertRaises(anthropic.NotFoundError):
            client.models.retrieve("claude-nothing")


class Keys(World):
    def test_bearer_is_what_the_sdk_sends_and_x_api_key_works_as_well(self):
        self.hello(self.client())
        old = self.client(key=None, default_headers={"X-Api-Key": API_KEY})
        self.assertTrue(self.hello(old).content)
        request = self.raw("GET", "/v1/models", headers={"authorization": f"Bearer {API_KEY}", "anthropic-version": "2026-10-21"})
        self.assertEqual(request.status_code, 200)

    def test_both_versions_work(self):
        old = self.client(default_headers={"anthropic-version": "2023-06-01"})
        self.assertTrue(self.hello(old).content)

    def test_a_wrong_key_is_refused(self):
        with self.assertRaises(anthropic.AuthenticationError) as caught:
            self.hello(self.client(key="sk-ant-api03-other"))
        self.assertEqual(caught.exception.type, "authentication_error")

    def test_an_admin_key_makes_no_messages(self):
        with self.assertRaises((anthropic.AuthenticationError, anthropic.PermissionDeniedError)):
            self.hello(self.client(key=ADMIN_KEY))

    def test_what_is_missing_is_named(self):
        body = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
        headers = {"x-api-key": API_KEY, "anthropic-version": "2023-06-01"}
        for missing, change in {
            "anthropic-version": lambda body, headers: headers.pop("anthropic-version"),
            "max_tokens": lambda body, headers: body.pop("max_tokens"),
            "messages": lambda body, headers: body.pop("messages"),
            "model": lambda body, headers: body.pop("model"),
        }.items():
            b, h = dict(body), dict(headers)
            change(b, h)
            answer = self.raw("POST", "/v1/messages", json=b, headers=h)
            self.assertEqual(answer.status_code, 400, missing)
            self.assertEqual(answer.json()["error"]["type"], "invalid_request_error")
            self.assertIn(missing, answer.json()["error"]["message"])

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(anthropic.NotFoundError) as caught:
            self.hello(self.client(), model="claude-nothing")
        self.assertEqual(caught.exception.type, "not_found_error")
        self.assertEqual(caught.exception.body["request_id"], caught.exception.request_id)


if __name__ == "__main__":
    unittest.main()
