export default {
  noData: "Nothing was measured yet.",
} as const;
