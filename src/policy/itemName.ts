/**
 * The name of the item that holds the credentials of `user` in `account`: ACCOUNT_USER. An account is a profile, whose
 * name may hold what no item's name can: each such character (and a leading dot) becomes `-`. Not every result is a
 * valid name, and two accounts can come to the same one: parseIamFile refuses both.
 */
export function itemName(account: string, user: string): string {
  return `${account}_${user}`.replace(/[^A-Za-z0-9_.@+=,-]/gu, '-').replace(/^\./, '-');
}
