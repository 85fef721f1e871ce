declare module 'fs-native-extensions' {
  const native: {
    waitForLock(fd: number): Promise<void>;
    tryLock(fd: number): boolean;
  };
  export default native;
}
