// Schedules a post: node schedule.mjs POST ACCOUNT "the text" [2027-03-28T09:00:00+02:00]
import { randomUUID } from "node:crypto";
import amqp from "amqplib";

const [postId, accountId, content, publishAt] = process.argv.slice(2);
const request = { post_id: postId, content, targets: [{ account_id: accountId }] };
if (publishAt) request.publish_at = publishAt;
const messageId = randomUUID();

const connection = await amqp.connect(process.env.TIMEBALL_BROKER_URL);
const channel = await connection.createConfirmChannel();
channel.publish("timeball.events", "schedule.requested", Buffer.from(JSON.stringify(request)), {
  contentType: "application/json",
  persistent: true,
  type: "schedule.requested",
  messageId,
  appId: "my-system",
  mandatory: true,
});
await channel.waitForConfirms(); // the broker has it
await connection.close();
console.log(`${postId} is asked for; every event that follows carries ${messageId}`);
