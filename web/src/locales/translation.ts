/** The shape of a translation: every text of the English one, so that a missing one does not compile. */
export type Translation<T> = {
  // Japanese and Korean have one form where English has singular and plural.
  [K in keyof T as K extends `${string}_one` ? never : K]: T[K] extends string ? string : Translation<T[K]>;
};
