// `@openai/agents-realtime`: a `RealtimeSession` over its WebSocket transport, which runs tools and truncates by itself.

import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime';
import { z } from 'zod';
import { ADDRESS, Happenings, Microphone, Player, keep, run } from './caller.mjs';

const calls = [];
const getWeather = tool({
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => {
    calls.push({ name: 'get_weather', city });
    return 'foggy, 12 degrees';
  },
});

async function conversation() {
  const agent = new RealtimeAgent({
    name: 'Assistant',
    instructions: 'You are a helpful assistant.',
    tools: [getWeather],
  });
  const transport = new OpenAIRealtimeWebSocket({ url: `ws://${ADDRESS}/v1/realtime?model=gpt-realtime` });
  const session = new RealtimeSession(agent, { transport, model: 'gpt-realtime' });
  const player = new Player();
  const turns = new Happenings();
  const errors = [];
  const interrupted = [];
  let sound = [];
  let itemId;

  session.on('audio', (event) => {
    sound.push(Buffer.from(event.data));
    player.play(event.data);
  });
  session.on('audio_interrupted', () => {
    interrupted.push(itemId);
    player.flush();
  });
  session.on('error', (event) => errors.push(JSON.stringify(event.error ?? event)));
  session.on('transport_event', (event) => {
    if (event.type === 'response.output_audio.delta') itemId = event.item_id;
    if (event.type === 'response.done') {
      turns.put(Buffer.concat(sound));
      sound = [];
    }
  });
  // The next turn that has sound; a turn that only calls a tool has none.
  const spoken = async () => {
    for (;;) {
      const pcm = await turns.get();
      if (pcm.length) return pcm;
    }
  };

  await session.connect({ apiKey: 'none' });
  const microphone = new Microphone((pcm) => session.sendAudio(pcm));

  await microphone.say('weather');
  keep('weather', await spoken());
  await player.finished();

  await microphone.say('story');
  await spoken();
  await player.heard(3000);
  await microphone.say('repeat');
  keep('repeat', await spoken());
  await player.finished();
  const left = session.history.find((item) => item.itemId === interrupted.at(-1))?.content[0].transcript;

  microphone.mute();
  transport.sendEvent({
    type: 'session.update',
    session: { type: 'realtime', audio: { input: { turn_detection: null } } },
  });
  transport.sendEvent({ type: 'input_audio_buffer.clear' });
  await microphone.say('sum');
  session.sendAudio(new ArrayBuffer(0), { commit: true });
  transport.requestResponse();
  keep('sum', await spoken());

  microphone.close();
  session.close();
  return { calls, interrupted, left, errors };
}

await run(conversation);
