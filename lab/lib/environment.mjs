export const environment = () => ({});
