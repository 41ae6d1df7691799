export default {
  text: "Jobs run in environments that are built on this machine from images. The first job of an image prepares it; prepare it here beforehand to save that time.",
  group: "Group",
  coreType: "Core type",
  framework: "Framework",
  environment: "Environment on this machine",
  ready: "Prepared",
  preparing: "Being prepared",
  failed: "Not prepared",
  prepare: "Prepare",
  notPrepared: "The image was not prepared",
} as const;
