// Prints what becomes of every post, one JSON object a line: node follow.mjs. Nothing is missed while it is down.
import amqp from "amqplib";

const ANSWERS = ["schedule.accepted", "schedule.rejected"];
const OUTCOMES = ["publish.succeeded", "publish.failed", "publish.unknown", "publish.held", "publish.skipped"];
const QUEUE = "my-system.node";

const connection = await amqp.connect(process.env.TIMEBALL_BROKER_URL);
const channel = await connection.createChannel();
await channel.prefetch(100);
await channel.assertQueue(QUEUE, { durable: true, arguments: { "x-queue-type": "quorum" } });
for (const type of [...ANSWERS, ...OUTCOMES]) await channel.bindQueue(QUEUE, "timeball.events", type);
await channel.consume(QUEUE, (message) => {
  const { type, correlationId } = message.properties;
  console.log(JSON.stringify({ type, correlation_id: correlationId, ...JSON.parse(message.content) }));
  channel.ack(message);
});
console.log("listening");
